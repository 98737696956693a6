-- The time in ms: the later of two clocks, so that neither a slow caller nor a slow promoted replica makes a token live
-- longer.
local time = redis.call('TIME')
local NOW = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(CALLER_NOW))
local HOUR, DAY = 3600000, 86400000
