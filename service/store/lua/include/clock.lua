-- The time in ms: the later of two clocks, so that neither a slow caller nor a slow promoted replica makes a token live
-- longer.
local time = redis.call('TIME')
local NOW = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(CALLER_NOW))
local HOUR, DAY = 3600000, 86400000

-- Fields that are over, of all hashes that were read: {key, field}. They go last, because a full server refuses a script
-- by its first write only if that is one that needs memory.
local stale = {}
local function forget_stale()
  for _, one in ipairs(stale) do redis.call('HDEL', one[1], one[2]) end
end
