-- What a number may be sent, and how often its tokens may be tried, by whom.
-- Needs NUMBER, ROW, CHECKS, SOURCE, RULES and SENDS, the windows of a number of its kind.
-- @include windows
--
-- NUMBER (hash)  s<source> when it was texted because that source asked, "ms ms …", oldest first
--                h there when whoever asks next is heard, because the phone itself asked
--                y until when it is texted though its range is closed, ms
--                r, w, e, k the verification that was texted last (the seed of its token), who asked for it, when it
--                expires, ms, and how many share its token, if any do
--                q<request> when a request to start is forgotten (seconds, ten digits), and the memo of its id
-- CHECKS, ROW    wrong checks from this source, and in a row from all (lists of ms, oldest first)
-- A source is known by eight characters here: whether two are one decides about waits only.

local BRIEF = string.sub(SOURCE, -8)

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
  local wait = wait_in(function(n) return own[#own - n + 1] end, SENDS.windows)
  local hourly = SENDS.hourly
  if hourly == 0 or sources == 1 and not is_known or redis.call('HEXISTS', NUMBER, 'h') == 1 then return wait end
  if #hour >= hourly then wait = math.max(wait, hour[#hour - hourly + 1] + HOUR - NOW) end
  if sources > 1 then wait = math.max(wait, hour[#hour] + math.floor(HOUR / hourly) - NOW) end
  return wait
end

-- A message goes to the number.
local function enter_send()
  if #SENDS.windows == 0 then return end
  local times = redis.call('HGET', NUMBER, 's' .. BRIEF)
  redis.call('HSET', NUMBER, 's' .. BRIEF, string.format('%s%d', times and times .. ' ' or '', NOW))
  redis.call('HDEL', NUMBER, 'h')
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

-- How long until this source may check again; strangers' mistakes count only in the row of all.
local function wait_for_check()
  return math.max(wait_for_room(CHECKS, RULES.check_windows), wait_for_room(ROW, RULES.row_windows))
end
