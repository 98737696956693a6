-- settle: starts that were approved come back, and are remembered to have ended well.
-- KEYS  1 this settling (string), then seven for each start:
--       what its address, network and prefix have spent (lists of ms), when its place began something in the prefix
--       (list of ms), lines of the prefix (sorted set), what came of starts to the prefix and to its country (hashes)
-- ARGV  two for each start: when it was spent, ms, and the number's last four digits

local HOUR, DAY = 3600000, 86400000

-- Given back once, even when the answer was lost.
if not redis.call('SET', KEYS[1], '', 'NX', 'PX', 10000) then return end

local now = redis.call('TIME')[1] * 1000
for start = 0, #ARGV / 2 - 1 do
  local stamp, line, first = ARGV[2 * start + 1], ARGV[2 * start + 2], 7 * start + 2
  for i = first, first + 3 do redis.call('LREM', KEYS[i], -1, stamp) end
  redis.call('ZREM', KEYS[first + 4], line)
  local hour = math.floor(math.max(now, tonumber(stamp)) / HOUR)
  for i = first + 5, first + 6 do
    redis.call('HINCRBY', KEYS[i], 'a' .. hour, 1)
    redis.call('PEXPIRE', KEYS[i], DAY + HOUR)
  end
end
