-- give_back: what an allow spent comes back, because no send was made.
-- KEYS, as of allow: 2 the sender's next free moment  3 money  7, 8 what came of starts  9 lines
--       11 when this place began something in this prefix  13… lists of ms   last: this giving back (string)
-- ARGV  1 when it was spent, ms  2 one message of the sender takes, ms  3 price
--       4 the number's last four digits  5 1 when it was the trial that ends a pause: the next one is
--       6 1 for a start, 0 for another message of one

local STAMP, LINE, IS_START = ARGV[1], ARGV[4], ARGV[6] == '1'
local SLOT, HOUR = 120000, 3600000

-- Given back once, even when the answer was lost.
if not redis.call('SET', KEYS[#KEYS], '', 'NX', 'PX', 10000) then return end

for i = 13, #KEYS - 1 do redis.call('LREM', KEYS[i], -1, STAMP) end
if IS_START then redis.call('LREM', KEYS[11], -1, STAMP) end
-- What stands there may be an earlier start of the same number.
local is_counted = IS_START and redis.call('ZSCORE', KEYS[9], LINE) == STAMP
if is_counted then redis.call('ZREM', KEYS[9], LINE) end

if ARGV[5] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'u', STAMP) end
if is_counted then
  for i = 7, 8 do
    for _, field in ipairs({'s' .. math.floor(STAMP / HOUR), 'f' .. math.floor(STAMP / SLOT)}) do
      if redis.call('HEXISTS', KEYS[i], field) == 1 then redis.call('HINCRBY', KEYS[i], field, -1) end
    end
  end
end
for i, amount in pairs({[2] = ARGV[2], [3] = ARGV[3]}) do
  if tonumber(amount) > 0 and redis.call('EXISTS', KEYS[i]) == 1 then redis.call('DECRBY', KEYS[i], amount) end
end
