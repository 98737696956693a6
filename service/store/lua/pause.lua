-- pause: hold all sends, twice as long each time in a row.
local KEYRING, PAUSE = unpack(KEYS) -- PAUSE (hash): u until, ms; n how often in a row; t the clock of the trial that counted last
local KEYRING_ID, CALLER_NOW, FIRST_MS, LONGEST_MS, IS_TRIAL = unpack(ARGV)
FIRST_MS, LONGEST_MS, IS_TRIAL = tonumber(FIRST_MS), tonumber(LONGEST_MS), IS_TRIAL == '1'
-- @include keyring
-- @include clock

-- The same again, because its answer was lost: it counted already. The clock names a trial, as the next is 30 s away.
if IS_TRIAL and redis.call('HGET', PAUSE, 't') == CALLER_NOW then return end

-- Sends in flight when the pause began are refused as well, and do not lengthen it.
local held = tonumber(redis.call('HGET', PAUSE, 'u') or 0) > NOW
if held and not IS_TRIAL then return end

local times = redis.call('HINCRBY', PAUSE, 'n', 1)
local length = math.min(FIRST_MS * 2 ^ (times - 1), LONGEST_MS)
redis.call('HSET', PAUSE, 'u', NOW + length)
if IS_TRIAL then redis.call('HSET', PAUSE, 't', CALLER_NOW) end
redis.call('PEXPIRE', PAUSE, length + LONGEST_MS)
