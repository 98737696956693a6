-- unsend: a send was not made, so the number gets it back; a verification without another one is canceled.
-- ARGV  5 delivery, its rank in front  6 which send

local NEWS, SEND = ARGV[5], ARGV[6]

local f = redis.call('HMGET', RECORD, 's', 'n', 'l', 'd', 'b')
if not f[1] then return answer('gone') end
if (f[2] or '1') ~= SEND or f[4] == NEWS then return answer('done') end

redis.call('HSET', RECORD, 'd', NEWS)
unspend_send(f[3] or f[5])
if SEND == '1' and f[1] == 'p' then
  redis.call('HSET', RECORD, 's', 'c')
  end_token()
end
return answer('done')
