-- The trail of a number: what happened to it, for support staff. It decides nothing, and an entry that cannot be written
-- is left out, so that a full server can still answer a refusal.
-- Needs TRAIL, NOW and RULES.
--
-- TRAIL (string)  a line each, oldest first: "<s since 1970, ten digits><letter><what that takes, with blanks between>"
--               b begun, h begun and sent no message of its own, t begun by a test number: memo of the id, the seed
--                 that it shares, client
--               r sent again: mark, number of the message;  f not sent: mark, number, delivery, code
--               d report on a message: mark, delivery, code, the carrier's id
--               w wrong check: mark, how many;  a approved: mark, s since it began;  c canceled: mark
--               o STOP;  i START;  g forgiven by the operator
--               x refused: verb, reason, how often, first s, s to wait, source, client
-- A mark is the beginning of the name of a verification's record; "-" stands for nothing.
-- @include clock
-- @include constants

local SECOND = 1000

-- The lines that have not expired, oldest first.
local function trail()
  local lines = {}
  for line in string.gmatch(redis.call('GET', TRAIL) or '', '[^\n]+') do
    if string.sub(line, 1, 10) * SECOND + RULES.trail.life > NOW then table.insert(lines, line) end
  end
  return lines
end

-- Add a line, keep the newest RULES.trail.most, for at least `life` ms.
local function enter_line(lines, life, letter, ...)
  table.insert(lines, string.format('%010d%s%s', math.floor(NOW / SECOND), letter, table.concat({...}, ' ')))
  local kept = table.concat(lines, '\n', math.max(1, #lines - RULES.trail.most + 1))
  redis.pcall('SET', TRAIL, kept, 'PX', math.max(redis.call('PTTL', TRAIL), life))
end

local function enter_trail(letter, ...)
  if RULES.trail.life > 0 then enter_line(trail(), RULES.trail.life, letter, ...) end
end

-- A report on a verification that is gone: recorded once, where there is a trail.
local function enter_late_news(...)
  local lines, news = trail(), 'd' .. table.concat({...}, ' ')
  for _, line in ipairs(lines) do if string.sub(line, 11) == news then return end end
  if #lines > 0 then enter_line(lines, RULES.trail.life, 'd', ...) end
end
