-- report: record the delivery state of a verification's messages.
-- @include verification
local EVENT, MONEY = unpack(KEYS, 8) -- EVENT: string, so that the same report again changes nothing
local NEWS, NAME, COST, CODE, MESSAGE = unpack(ARGV, 7) -- NEWS: the delivery state after its rank; a higher rank replaces a lower one
local IS_NAMED = NAME ~= ''

if not field('status') then
  if IS_NAMED then enter_late_news(MARK, string.sub(NEWS, 2), CODE, MESSAGE) end
  return answer('gone')
end
if IS_NAMED and not redis.call('SET', EVENT, '', 'NX', 'PX', RULES.life) then return answer('repeated') end

local old, new = string.sub(field('delivery') or '0', 1, 1), string.sub(NEWS, 1, 1)
local is_news = (new > old or new == old and old < '3') and field('delivery') ~= NEWS
if is_news then redis.call('HSET', RECORD, FIELD.delivery, NEWS) end
if IS_NAMED or is_news then enter_trail('d', MARK, string.sub(NEWS, 2), CODE, MESSAGE) end
if not IS_NAMED then return answer('done') end

-- The cost above the message's price is spent as well.
if COST ~= '0' and redis.call('EXISTS', MONEY) == 1 then
  redis.call('INCRBY', MONEY, COST)
  redis.call('PEXPIRE', MONEY, DAY)
end
count('spent', tonumber(COST))
if string.sub(NEWS, 2) == 'delivered' then count('delivered') end
return answer('done')
