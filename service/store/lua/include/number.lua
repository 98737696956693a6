-- What a number may be sent, and how often its tokens may be tried, by whom.
-- Needs NUMBER, ROW, SOURCE, RULES and SENDS, the windows of a number of its kind.
-- @include windows
--
-- NUMBER (hash)  s<source> when it was texted because that source asked, "ms ms …", oldest first
--                c<source> when that source checked a wrong token of it, the same
--                h there when one message more may go out within the hour, because the phone itself asked
--                y until when it is texted though its range is closed, ms
--                r, w, e, k the verification that was texted last (the seed of its token), who asked for it, when it
--                expires, ms, and how often others share its token
--                x<source> how often that source does
--                q<request> when a request to start is forgotten (seconds, ten digits), and the memo of its id
-- ROW (list)     wrong checks in a row from all, ms, oldest first
-- A source is known by eight characters here: whether two are one decides about waits only. Where callers cannot be
-- TOLD_APART, no wrong check is held against whoever comes next, beyond those in a row.

local BRIEF = string.sub(SOURCE, -8)

-- The times in a field of the number, oldest first.
local function times_in(name)
  local times = {}
  for ms in string.gmatch(redis.call('HGET', NUMBER, name) or '', '%d+') do table.insert(times, tonumber(ms)) end
  return times
end

local function enter_in(name)
  local times = redis.call('HGET', NUMBER, name)
  redis.call('HSET', NUMBER, name, string.format('%s%d', times and times .. ' ' or '', NOW))
end

-- How long the number remembers its messages, or its wrong checks, in ms.
local function memory(windows)
  local longest = math.max(SENDS.hourly > 0 and HOUR or 0, RULES.life)
  for _, window in ipairs(windows) do longest = math.max(longest, window[2]) end
  return longest
end

-- When the number was texted: because this source asked, and in the last hour, oldest first; and how many sources asked
-- in that hour.
local function messages()
  local own, hour, sources = {}, {}, 0
  local fields = redis.call('HGETALL', NUMBER)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 1) == 's' then
      local is_own, before = fields[i] == 's' .. BRIEF, #hour
      for ms in string.gmatch(fields[i + 1], '%d+') do
        if is_own then table.insert(own, tonumber(ms)) end
        if ms + HOUR > NOW then table.insert(hour, tonumber(ms)) end
      end
      if #hour > before then sources = sources + 1 end
    end
  end
  table.sort(hour)
  return own, hour, sources
end

-- How long until the number may be texted again. Whoever asks may be bombing it: so it gets few messages an hour, evenly
-- once several ask; and one more, once the phone itself asked.
local function wait_for_send()
  local own, hour, sources = messages()
  local hourly = SENDS.hourly
  if redis.call('HEXISTS', NUMBER, 'h') == 1 then
    return #hour > hourly and hour[#hour - hourly] + HOUR - NOW or 0
  end
  local wait = wait_in(function(n) return own[#own - n + 1] end, SENDS.windows)
  if hourly == 0 then return wait end
  if #hour >= hourly then wait = math.max(wait, hour[#hour - hourly + 1] + HOUR - NOW) end
  if sources > 1 then wait = math.max(wait, hour[#hour] + math.floor(HOUR / hourly) - NOW) end
  return wait
end

-- A message goes to the number.
local function enter_send()
  if #SENDS.windows == 0 then return end
  enter_in('s' .. BRIEF)
  redis.call('HDEL', NUMBER, 'h')
end

-- The number has another token, or none: nobody shares the one before.
local function forget_latest()
  redis.call('HDEL', NUMBER, 'r', 'w', 'e', 'k')
  for _, name in ipairs(redis.call('HKEYS', NUMBER)) do
    if string.sub(name, 1, 1) == 'x' then redis.call('HDEL', NUMBER, name) end
  end
end

-- The message of this moment was not sent.
local function remove_send(ms)
  local times = redis.call('HGET', NUMBER, 's' .. BRIEF)
  if not times then return end
  times = string.match(string.gsub(times, '%f[%d]' .. ms .. '%f[%D]', '', 1), '^ *(.-) *$')
  if times == '' then
    redis.call('HDEL', NUMBER, 's' .. BRIEF)
  else
    redis.call('HSET', NUMBER, 's' .. BRIEF, times)
  end
end

-- The number forgets what is over, and itself when nothing more is asked of it.
local function tidy()
  local life = {s = memory(SENDS.windows), c = memory(RULES.check_windows)}
  local longest = life.s
  local fields = redis.call('HGETALL', NUMBER)
  for i = 1, #fields, 2 do
    local kind, times = string.sub(fields[i], 1, 1), {}
    if life[kind] then
      for ms in string.gmatch(fields[i + 1], '%d+') do
        if ms + life[kind] > NOW then table.insert(times, ms) end
      end
      local kept = table.concat(times, ' ')
      if kept ~= fields[i + 1] then redis.call('HSET', NUMBER, fields[i], kept) end
    end
    if #times > 0 then longest = math.max(longest, life[kind]) end
    if life[kind] and #times == 0 or kind == 'q' and string.sub(fields[i + 1], 1, 10) * 1000 <= NOW then
      redis.call('HDEL', NUMBER, fields[i])
    end
  end
  redis.call('PEXPIRE', NUMBER, longest)
end

-- How long until this source may check again; strangers' mistakes count only in the row of all. Whoever shares a token
-- that somebody else asked for gets few wrong.
local function wait_for_check(is_shared)
  local wait = wait_for_room(ROW, RULES.row_windows)
  local wrong = times_in('c' .. BRIEF)
  local function nth_last(n) return wrong[#wrong - n + 1] end
  wait = math.max(wait, wait_in(nth_last, RULES.check_windows))
  return is_shared and math.max(wait, wait_in(nth_last, {{RULES.share.checks, DAY}})) or wait
end

local function enter_wrong_check()
  enter(ROW, RULES.row_windows)
  if not TOLD_APART then return end
  enter_in('c' .. BRIEF)
  redis.call('PEXPIRE', NUMBER, math.max(redis.call('PTTL', NUMBER), memory(RULES.check_windows)))
end
