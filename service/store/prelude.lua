-- Goes in front of every script of a verification: what they are given, what they answer, and what they share.
--
-- KEYS  1 record (hash)  2 token (string)  3 wrong checks of the number from this source
--       4 wrong checks of the number in a row (3 and 4: lists of ms, oldest first)  5 the number (hash)  6… the verb's own
-- ARGV  1 the caller's clock, ms  2 the rules (JSON): token life, ms; checks and sends allowed; waits before each
--         resend, ms: the last one repeats; windows for 3 and for 4, each {limit, ms}; and what a number of each kind
--         may be sent: windows for one source, and hourly, whoever asks (0: no limit)
--       3 the source: who asks  4 the client that asks, or "": it opens its own verifications only  5… the verb's own
--
-- Record: s status (p, a, c, l)  t number  b begun, ms  e expires, ms  n sends and  l the last of them, ms, unless there
--         was one only  c wrong checks, if there are any  d delivery  o origin  w the client it belongs to
--         x the client's reference  g locale  y the kind of number ('known', 'test'), unless it is a usual one
--         j the verification whose token it shares (its randomness)
--         =<nonce> the answer to a request that may come again: of a check 'done' or the count of wrong ones, of a
--         resend its caller
-- Number: s<source> when it was texted because that source asked, "ms ms …", oldest first
--         h there when whoever asks next is heard, because the phone itself asked
--         r, w, e, k the verification that was texted last (its randomness), who asked for it, when it expires, ms,
--         and how many share its token, if any do
--         q<request> when a request to start is forgotten (seconds, ten digits), and the randomness that it was given
-- A source is known by eight characters here: whether two are one decides about waits only.
--
-- All keys lie in one slot, and none is ever made without a time to live.

local RECORD, TOKEN, CHECKS, ROW, NUMBER = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local RULES, SOURCE, OWNER = cjson.decode(ARGV[2]), ARGV[3], ARGV[4]
local SENDS = RULES.sends_to[redis.call('HGET', RECORD, 'y') or 'usual']
local BRIEF, HOUR = string.sub(SOURCE, -8), 3600000

-- The later of two clocks, so that neither a slow caller nor a slow promoted replica makes a token live longer.
local time = redis.call('TIME')
local NOW = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[1]))

-- How long until one more fits into every window, in ms; 0 when it fits now.
-- A window of n is full while the n-th last entry is younger than the window is long.
local function wait_for_room(list, windows)
  local wait = 0
  for _, window in ipairs(windows) do
    local nth_last = redis.call('LINDEX', list, -window[1])
    if nth_last then wait = math.max(wait, nth_last + window[2] - NOW) end
  end
  return wait
end

-- Spend one: the list keeps what its largest window needs, for as long as its longest needs it.
local function spend(list, windows)
  local most, longest = 0, 0
  for _, window in ipairs(windows) do
    most, longest = math.max(most, window[1]), math.max(longest, window[2])
  end
  if most == 0 then return end
  redis.call('RPUSH', list, NOW)
  redis.call('LTRIM', list, -most, -1)
  redis.call('PEXPIRE', list, longest)
end

-- How long the number remembers its messages, in ms.
local function memory()
  local longest = SENDS.hourly > 0 and HOUR or RULES.life
  for _, window in ipairs(SENDS.windows) do longest = math.max(longest, window[2]) end
  return longest
end

-- When the number was texted: because this source asked, and in the last hour, oldest first; how many sources asked
-- in that hour, and whether this one did.
local function messages()
  local own, hour, sources, is_known = {}, {}, 0, false
  local fields = redis.call('HGETALL', NUMBER)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 1) == 's' then
      local is_own, before = fields[i] == 's' .. BRIEF, #hour
      for ms in string.gmatch(fields[i + 1], '%d+') do
        if is_own then table.insert(own, tonumber(ms)) end
        if ms + HOUR > NOW then table.insert(hour, tonumber(ms)) end
      end
      if #hour > before then sources, is_known = sources + 1, is_known or is_own end
    end
  end
  table.sort(hour)
  return own, hour, sources, is_known
end

-- How long until the number may be texted again. Whoever asks may be bombing it: so it gets few messages an hour, evenly
-- once several ask. Whoever asks second is always heard, or the first could keep everybody else from being texted.
local function wait_for_send()
  local own, hour, sources, is_known = messages()
  local wait = 0
  for _, window in ipairs(SENDS.windows) do
    local nth_last = own[#own - window[1] + 1]
    if nth_last then wait = math.max(wait, nth_last + window[2] - NOW) end
  end
  local hourly = SENDS.hourly
  if hourly == 0 or sources == 1 and not is_known or redis.call('HEXISTS', NUMBER, 'h') == 1 then return wait end
  if #hour >= hourly then wait = math.max(wait, hour[#hour - hourly + 1] + HOUR - NOW) end
  if sources > 1 then wait = math.max(wait, hour[#hour] + math.floor(HOUR / hourly) - NOW) end
  return wait
end

-- A message goes to the number.
local function spend_send()
  if #SENDS.windows == 0 then return end
  local times = redis.call('HGET', NUMBER, 's' .. BRIEF)
  redis.call('HSET', NUMBER, 's' .. BRIEF, string.format('%s%d', times and times .. ' ' or '', NOW))
  redis.call('HDEL', NUMBER, 'h')
end

-- The number forgets what is over, and itself when nothing more is asked of it.
local function tidy()
  local longest = memory()
  local fields = redis.call('HGETALL', NUMBER)
  for i = 1, #fields, 2 do
    local kind, times = string.sub(fields[i], 1, 1), {}
    if kind == 's' then
      for ms in string.gmatch(fields[i + 1], '%d+') do
        if ms + longest > NOW then table.insert(times, ms) end
      end
      local kept = table.concat(times, ' ')
      if kept ~= fields[i + 1] then redis.call('HSET', NUMBER, fields[i], kept) end
    end
    if kind == 's' and #times == 0 or kind == 'q' and string.sub(fields[i + 1], 1, 10) * 1000 <= NOW then
      redis.call('HDEL', NUMBER, fields[i])
    end
  end
  redis.call('PEXPIRE', NUMBER, longest)
end

-- A message that was spent for was not sent.
local function unspend_send(ms)
  local times = redis.call('HGET', NUMBER, 's' .. BRIEF)
  if not times then return end
  times = string.match(string.gsub(times, '%f[%d]' .. ms .. '%f[%D]', '', 1), '^ *(.-) *$')
  if times == '' then
    redis.call('HDEL', NUMBER, 's' .. BRIEF)
  else
    redis.call('HSET', NUMBER, 's' .. BRIEF, times)
  end
end

-- How long until this source may check again; strangers' mistakes count only in the row of all.
local function wait_for_check()
  return math.max(wait_for_room(CHECKS, RULES.check_windows), wait_for_room(ROW, RULES.row_windows))
end

-- How long the verification itself asks to wait after its n-th send, in ms.
local function wait_after(sends, last)
  return math.max(0, last + RULES.waits[math.min(sends, #RULES.waits)] - NOW)
end

-- What a script returns (JSON): its verdict, a wait, ms, our clock, and the record as far as it is there. `more` goes
-- before what would be said otherwise.
local function answer(verdict, wait, more)
  local reply = {verdict = verdict, wait = wait or 0, now = NOW}
  local f = redis.call('HMGET', RECORD, 's', 't', 'b', 'e', 'n', 'l', 'c', 'd', 'o', 'x', 'g', 'y')
  if f[1] then
    local sends, last = tonumber(f[5] or 1), f[6] or f[3]
    reply.status, reply.to, reply.begun, reply.expires, reply.sends = f[1], f[2], tonumber(f[3]), tonumber(f[4]), sends
    reply.checks, reply.delivery, reply.origin = tonumber(f[7] or 0), f[8] or nil, f[9] or nil
    reply.reference, reply.locale, reply.kind = f[10] or nil, f[11] or nil, f[12] or nil
    reply.next_send = f[1] == 'p' and math.max(wait_after(sends, last), wait_for_send()) or 0
  end
  for name, value in pairs(more or {}) do reply[name] = value end
  return cjson.encode(reply)
end

-- The verdict on a record that is not open to checks and sends, or nil when it is.
local function ended()
  local f = redis.call('HMGET', RECORD, 's', 'e')
  if f[1] == 'a' then return 'approved' end
  if f[1] == 'l' then return 'locked' end
  if f[1] ~= 'p' or NOW >= tonumber(f[2]) then return 'gone' end
end

-- Spend the token, if it is there: nobody else may share it either.
local function end_token()
  if redis.call('DEL', TOKEN) == 0 then return false end
  redis.call('HDEL', NUMBER, 'r', 'w', 'e', 'k')
  return true
end

-- The verification of somebody else is none. A page asks for nobody: its cookie says which one is its own.
if OWNER ~= '' and redis.call('EXISTS', RECORD) == 1 and redis.call('HGET', RECORD, 'w') ~= OWNER then
  return cjson.encode({verdict = 'gone', wait = 0, now = NOW})
end
