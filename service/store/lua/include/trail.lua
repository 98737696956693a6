-- The trail of a number: what happened to it, for whoever helps its people. It decides nothing, and what cannot be written
-- is left out: a full server refuses the first write of whatever counts, and still answers a refusal.
-- Needs TRAIL, NOW and RULES.
--
-- TRAIL (list)  oldest first: "<s since 1970, ten digits><letter><what the letter takes, with blanks between>"
--               b begun, h begun and sent no message of its own, t begun by a test number: memo of the id, the seed
--                 that it shares, client
--               r sent again: mark, number of the message;  f not sent: mark, number, delivery, code
--               d news of a message: mark, delivery, code, the carrier's id
--               w wrong check: mark, how many;  a approved: mark, s since it began;  c canceled: mark
--               o STOP;  i START;  g forgiven by the operator
--               x refused: verb, reason, how often, first s, s to wait, source, client
-- A mark is the beginning of the name of a verification's record; "-" stands for nothing.
-- @include clock
-- @include constants

local SECOND = 1000

local function keep_trail(life)
  redis.call('LTRIM', TRAIL, -RULES.trail.most, -1)
  local oldest = redis.call('LINDEX', TRAIL, 0)
  while oldest and string.sub(oldest, 1, 10) * SECOND + RULES.trail.life <= NOW do
    redis.call('LTRIM', TRAIL, 1, -1)
    oldest = redis.call('LINDEX', TRAIL, 0)
  end
  redis.call('PEXPIRE', TRAIL, math.max(redis.call('PTTL', TRAIL), life))
end

local function enter_trail(letter, ...)
  if RULES.trail.life == 0 then return end
  local entry = string.format('%010d%s%s', math.floor(NOW / SECOND), letter, table.concat({...}, ' '))
  local done = redis.pcall('RPUSH', TRAIL, entry)
  if type(done) == 'number' then keep_trail(RULES.trail.life) end
end

-- News of a verification that ended: noted once, where there is a trail.
local function enter_late_news(...)
  local entries, news = redis.call('LRANGE', TRAIL, 0, -1), 'd' .. table.concat({...}, ' ')
  for _, entry in ipairs(entries) do if string.sub(entry, 11) == news then return end end
  if #entries > 0 then enter_trail('d', ...) end
end
