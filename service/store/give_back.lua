-- give_back: what an allow spent comes back: all of it when no send was made, the start alone when it was approved.
-- KEYS, as of allow: 2 the sender's next free moment  3 money  7, 8 what came of starts  9 lines
--       11 when this place began something in this prefix  13… lists of ms   last: this giving back (string)
-- ARGV  1 when it was spent, ms  2 1 when it was approved  3 one message of the sender takes, ms  4 price
--       5 the number's last four digits  6 1 when it was the trial that ends a pause: the next one is
--       7 1 for a start, 0 for another message of one

local STAMP, APPROVED, IS_START = ARGV[1], ARGV[2] == '1', ARGV[7] == '1'
local SLOT, HOUR, DAY = 120000, 3600000, 86400000

-- Given back once, even when the answer was lost.
if not redis.call('SET', KEYS[#KEYS], '', 'NX', 'PX', 10000) then return end

for i = 13, #KEYS - 1 do redis.call('LREM', KEYS[i], -1, STAMP) end
if IS_START then redis.call('LREM', KEYS[11], -1, STAMP) end
-- What stands there may be an earlier start of the same number.
local is_counted = IS_START and redis.call('ZSCORE', KEYS[9], ARGV[5]) == STAMP
if APPROVED or is_counted then redis.call('ZREM', KEYS[9], ARGV[5]) end

if APPROVED then
  local time = redis.call('TIME')
  local hour = math.floor(math.max(time[1] * 1000, tonumber(STAMP)) / HOUR)
  for i = 7, 8 do
    redis.call('HINCRBY', KEYS[i], 'a' .. hour, 1)
    redis.call('PEXPIRE', KEYS[i], DAY + HOUR)
  end
  return
end

if ARGV[6] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'u', STAMP) end
if is_counted then
  for i = 7, 8 do
    for _, field in ipairs({'s' .. math.floor(STAMP / HOUR), 'f' .. math.floor(STAMP / SLOT)}) do
      if redis.call('HEXISTS', KEYS[i], field) == 1 then redis.call('HINCRBY', KEYS[i], field, -1) end
    end
  end
end
for i, amount in pairs({[2] = ARGV[3], [3] = ARGV[4]}) do
  if tonumber(amount) > 0 and redis.call('EXISTS', KEYS[i]) == 1 then redis.call('DECRBY', KEYS[i], amount) end
end
