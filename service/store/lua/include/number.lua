-- The limits of one number: messages to it, and checks of its tokens, for each source.
-- Needs NUMBER, ROW, SOURCE, RULES and SENDS, the windows of a number of its kind.
-- @include windows
--
-- NUMBER (hash)  s<source> when it was texted because that source asked, "ms ms …", oldest first
--                c<source> when that source checked a wrong token of it, the same
--                h set when one more message may go out within the hour, because the phone texted START
--                y until when it may be texted although its range is closed, ms
--                r, w, e, k the verification that was texted last (the seed of its token), its source, when it
--                expires, ms, and how often others share its token
--                x<source> how often that source shares it
--                q<request> when a request to start is forgotten (seconds, ten digits), and the memo of its id
-- ROW (list)     wrong checks in a row, of all sources, ms, oldest first
-- Eight characters name a source here: a collision only makes a wait longer. Where callers cannot be TOLD_APART, wrong
-- checks count only in the row.

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

-- When the number was texted: for this source, and in the last hour for all, oldest first; and the number of sources in
-- that hour.
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

-- How long until the number may be texted again. Against bombing it gets few messages an hour, spread evenly once
-- several sources ask; and one more after the phone texted START.
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

-- The number has another token, or none: the previous one can no longer be shared.
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

-- Delete what has expired, and let the number expire with its longest entry.
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

-- How long until this source may check again. Wrong checks of other sources count only in the row. A source that shares
-- another one's token gets fewer wrong checks.
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
