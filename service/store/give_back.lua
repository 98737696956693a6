-- give_back: what an allow spent comes back: all of it when no send was made, the start alone when it was approved.
-- KEYS, as of allow: 2 the sender's next free moment  3 money  7, 8 what came of starts  9 lines   11… lists of ms
--       last: this giving back (string)
-- ARGV  1 when it was spent, ms  2 1 when it was approved  3 one message of the sender takes, ms  4 price
--       5 the number's last four digits  6 1 when it was the trial that ends a pause: the next one is
--       7 1 for a start, 0 for another message of one

local STAMP, APPROVED = ARGV[1], ARGV[2] == '1'
local SLOT, HOUR = 120000, 3600000

-- Given back once, even when the answer was lost.
if not redis.call('SET', KEYS[#KEYS], '', 'NX', 'PX', 10000) then return end

for i = 11, #KEYS - 1 do redis.call('LREM', KEYS[i], -1, STAMP) end
-- What stands there may be an earlier start of the same number.
if APPROVED or redis.call('ZSCORE', KEYS[9], ARGV[5]) == STAMP then redis.call('ZREM', KEYS[9], ARGV[5]) end

if APPROVED then
  local time = redis.call('TIME')
  local now = math.max(time[1] * 1000, tonumber(STAMP))
  for i = 7, 8 do
    redis.call('HINCRBY', KEYS[i], 'a' .. math.floor(now / SLOT), 1)
    redis.call('PEXPIRE', KEYS[i], HOUR + SLOT)
  end
  return
end

if ARGV[6] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'u', STAMP) end
for i = 7, ARGV[7] == '1' and 8 or 6 do
  local slot = 's' .. math.floor(STAMP / SLOT)
  if redis.call('HEXISTS', KEYS[i], slot) == 1 then redis.call('HINCRBY', KEYS[i], slot, -1) end
end
for i, amount in pairs({[2] = ARGV[3], [3] = ARGV[4]}) do
  if tonumber(amount) > 0 and redis.call('EXISTS', KEYS[i]) == 1 then redis.call('DECRBY', KEYS[i], amount) end
end
