-- report: note what became of a send.
-- ARGV  8 which send  9 delivery
-- Refused means that nothing was sent: the number gets its send back, and a verification that has no
-- other send is canceled.

local SEND, DELIVERY = ARGV[8], ARGV[9]

local f = redis.call('HMGET', RECORD, 's', 'n', 'l', 'd')
if not f[1] then return answer('gone') end
if f[2] ~= SEND or f[4] == DELIVERY then return answer('done') end

redis.call('HSET', RECORD, 'd', DELIVERY)
if DELIVERY == 'refused' then
  redis.call('LREM', SENDS, -1, f[3])
  if SEND == '1' and f[1] == 'p' then
    redis.call('HSET', RECORD, 's', 'c')
    redis.call('DEL', TOKEN)
  end
end
return answer('done')
