-- pause: hold all sends, twice as long each time in a row.
-- KEYS  1 pause (hash: u until, ms; n how often in a row; t the clock of the trial that counted last)
-- ARGV  1 the caller's clock, ms  2 the first pause, ms  3 the longest, ms  4 1 when a trial found it out

local PAUSE, FIRST, LONGEST, IS_TRIAL = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'

local time = redis.call('TIME')
local NOW = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[1]))

-- The same again, because its answer was lost: it counted already. The clock names a trial, as the next is 30 s away.
if IS_TRIAL and redis.call('HGET', PAUSE, 't') == ARGV[1] then return end

-- Sends that were under way when the pause began are refused as well, and say nothing new.
local held = tonumber(redis.call('HGET', PAUSE, 'u') or 0) > NOW
if held and not IS_TRIAL then return end

local times = redis.call('HINCRBY', PAUSE, 'n', 1)
local length = math.min(FIRST * 2 ^ (times - 1), LONGEST)
redis.call('HSET', PAUSE, 'u', NOW + length)
if IS_TRIAL then redis.call('HSET', PAUSE, 't', ARGV[1]) end
redis.call('PEXPIRE', PAUSE, length + LONGEST)
