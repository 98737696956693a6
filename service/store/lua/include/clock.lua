-- The time in ms: the later of two clocks, so that neither a caller nor a promoted replica with a slow clock makes a
-- token live longer.
local time = redis.call('TIME')
local NOW = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(CALLER_NOW))
local HOUR, DAY = 3600000, 86400000

-- Expired fields of all hashes that were read: {key, field}. They are deleted last, because a full server refuses a
-- script only if its first write needs memory.
local stale = {}
local function forget_stale()
  for _, one in ipairs(stale) do redis.call('HDEL', one[1], one[2]) end
end
