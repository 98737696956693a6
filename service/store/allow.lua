-- allow: spend the budgets that all numbers share; a refusal spends none.
-- KEYS  1 pause (hash: u until, ms; n how often in a row)  2 the sender's next free moment, ms (string)
-- ARGV  1 the caller's clock, ms  2 one message of the sender takes, ms (0: no rate)  3 the longest queue, ms
--       4 how long a trial keeps the others waiting, ms
-- Returns {verdict, wait in ms, 1 for a trial}

local PAUSE, FREE = KEYS[1], KEYS[2]
local STEP, QUEUE, TRIAL = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local time = redis.call('TIME')
local NOW = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[1]))

local paused = tonumber(redis.call('HGET', PAUSE, 'u') or 0)
if paused > NOW then return {'paused', paused - NOW, 0} end

local wait = 0
if STEP > 0 then
  local free = math.max(NOW, tonumber(redis.call('GET', FREE) or 0))
  wait = free - NOW
  if wait > QUEUE then return {'sender_full', wait - QUEUE, 0} end
  redis.call('SET', FREE, free + STEP, 'PX', math.ceil(wait + STEP))
end

-- The pause is over: this one goes, and the others wait for what it finds.
if paused > 0 then redis.call('HSET', PAUSE, 'u', NOW + TRIAL) end
return {'done', wait, paused > 0 and 1 or 0}
