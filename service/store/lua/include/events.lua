-- What is told of the steps of a verification: its number's trail, and the figures of the day.
-- Needs what record.lua and trail.lua need, VERB, FIGURES, and DESTINATION: the country and channel of its messages, "" for
-- a test number, which no figure counts.
--
-- FIGURES (hash)  "<figure> <country> <channel> <client>": starts, shared, sends, unsent, delivered, approved, spent
--                 (millionths), refused:<reason>, and t<s> approvals so many seconds after their start;
--                 -<hour> trails that a refusal began
-- @include trail

local FIGURES_LIFE = 400 * DAY -- ours: the same day a year ago can be looked at
local MARK = string.sub(string.match(RECORD, '[^:]+$'), 1, 4)
local OWNER = field('client') or CLIENT
local REFUSALS_ALIKE = 8 -- ours: so many entries back, the same refusal is told again in place of the one before
local has_counted = false

local function add_figure(name, many)
  local done = redis.pcall('HINCRBY', FIGURES, name, many)
  if type(done) ~= 'number' then return end
  if not has_counted then redis.call('PEXPIRE', FIGURES, FIGURES_LIFE) end
  has_counted = true
  return done
end

local function count(figure, many)
  if DESTINATION == '' or many == 0 then return end
  add_figure(string.format('%s %s %s', figure, DESTINATION, OWNER), many or 1)
end

local function count_send(price)
  count('sends')
  count('spent', price)
end

-- Seconds until an approval are counted one by one at first, by five up to two minutes, and by thirty then.
local function count_approval(seconds)
  count('approved')
  count('t' .. seconds - seconds % (seconds < 20 and 1 or seconds < 120 and 5 or 30))
end

-- A verb said no. Somebody may ask without end: the same again takes the place of the one before, and of numbers that were
-- never texted only so many are remembered, for a day.
local function enter_refusal(reason, wait)
  if RULES.trail.life == 0 then return end
  local lines, first, many = trail(), math.floor(NOW / SECOND), 1
  local verb = string.sub(VERB, 1, 1)
  for place = #lines, math.max(1, #lines - REFUSALS_ALIKE + 1), -1 do
    local times, since = string.match(lines[place], '^%d+x' .. verb .. ' ' .. reason .. ' (%d+) (%d+) ')
    if times then
      many, first = times + 1, since
      table.remove(lines, place)
      break
    end
  end
  if #lines == 0 and many == 1 then
    local begun = add_figure('-' .. math.floor(NOW / HOUR), 1)
    if not begun or begun > RULES.trail.refused then return end
  end
  enter_line(lines, math.min(RULES.trail.life, DAY), 'x', verb, reason, string.format('%d', many), first,
    math.ceil((wait or 0) / SECOND), string.sub(SOURCE, 1, 8), OWNER)
end

-- What a verb answers, when that is a refusal. An ended verification is no limit, and no figure.
local REFUSES = {limited = true, held = true, opted_out = true, gone = false, approved = false, locked = false}
local function tell_refusal(verdict, more)
  local is_counted = REFUSES[verdict]
  if is_counted == nil or VERB ~= 'start' and VERB ~= 'resend' and VERB ~= 'check' then return end
  local reason = more and (more.limit or more.hold) or verdict
  enter_refusal(reason, more and more.wait)
  if is_counted then count('refused:' .. reason) end
end
