-- cancel: end a pending verification. Again: the same answer.

if redis.call('HGET', RECORD, 's') == 'c' then return answer('done') end
local verdict = ended()
if verdict then return answer(verdict) end

redis.call('HSET', RECORD, 's', 'c')
redis.call('DEL', TOKEN)
return answer('done')
