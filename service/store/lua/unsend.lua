-- unsend: a message was not sent, so its charges are refunded; a verification without another message is canceled.
-- A message that the carrier refused still counts against its network, so that nobody can try such numbers without
-- limit; it does not count against the range or the country.
-- @include verification
local FREE, MONEY, NETWORK, UNFINISHED, RANGE, COUNTRY = unpack(KEYS, 8)
local FIRST_CHARGE = 14
local DELIVERY, SEND, STEP, PRICE, IS_REFUSED, SUBJECTS, IS_UNDO, CODE = unpack(ARGV, 7) -- STEP: ms of the sender
IS_UNDO = IS_UNDO == '1' -- the start's answer was lost, unless the same request came again
-- @include unfinished

local status, delivery = field('status'), field('delivery')
if not status then return answer('gone') end
if (field('sends') or '1') ~= SEND or delivery == DELIVERY then return answer('done') end
if IS_UNDO and field('is_silent') then return answer('done') end -- it has no message, and spent nothing
if IS_UNDO and status == 'p' and field('was_repeated') then return answer('repeated') end

local stamp = table.remove(sent_at())
redis.call('HSET', RECORD, FIELD.delivery, DELIVERY)
remove_send(string.format('%d', stamp))
for i = FIRST_CHARGE, #KEYS do redis.call('LREM', KEYS[i], -1, stamp) end
for key, amount in pairs({[FREE] = STEP, [MONEY] = PRICE}) do
  if tonumber(amount) > 0 and redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, amount) end
end
remove_evidence(stamp, IS_REFUSED == '1')
if SEND == '1' and status == 'p' then
  redis.call('HSET', RECORD, FIELD.status, 'c')
  end_token()
end
enter_trail('f', MARK, SEND, string.sub(DELIVERY, 2), CODE)
count('unsent')
count('spent', -PRICE)
return answer('done')
