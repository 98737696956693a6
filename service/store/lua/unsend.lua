-- unsend: a message was not sent, so everything that it spent is given back; a verification without another one is
-- canceled. What the carrier refused stays counted as a start.
-- @include verification
local FREE, MONEY, SOURCE_IN_RANGE, LINES, RANGE, COUNTRY = unpack(KEYS, 7)
local FIRST_CHARGE = 13
local DELIVERY, SEND, STEP, PRICE, LINE, IS_START = unpack(ARGV, 6) -- STEP: ms of the sender
IS_START = IS_START == '1' -- its start was not made either
local IS_UNDO = ARGV[#ARGV] == '1' -- whoever started it has no answer; but if the request came again, it has
-- @include conversion

local status, delivery = field('status'), field('delivery')
if not status then return answer('gone') end
if (field('sends') or '1') ~= SEND or delivery == DELIVERY then return answer('done') end
if IS_UNDO and field('shares') then return answer('done') end -- it has no message, and spent nothing
if IS_UNDO and status == 'p' and field('was_told') then return answer('repeated') end

local stamp = field('last_send') or field('begun')
redis.call('HSET', RECORD, FIELD.delivery, DELIVERY)
remove_send(stamp)
for i = FIRST_CHARGE, #KEYS do redis.call('LREM', KEYS[i], -1, stamp) end
for key, amount in pairs({[FREE] = STEP, [MONEY] = PRICE}) do
  if tonumber(amount) > 0 and redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, amount) end
end
if IS_START then refund_conversion(stamp) end
if SEND == '1' and status == 'p' then
  redis.call('HSET', RECORD, FIELD.status, 'c')
  end_token()
end
return answer('done')
