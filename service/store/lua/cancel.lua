-- cancel: end a pending verification. Again: the same answer.
-- Its token stays until it expires, good for nothing but verifications that share it: otherwise a stranger could make
-- somebody's message worthless by asking for one before, and canceling it now.
-- @include verification

if field('status') == 'c' then return answer('done') end
local verdict = ended()
if verdict then return answer(verdict) end

redis.call('HSET', RECORD, FIELD.status, 'c')
enter_trail('c', MARK)
return answer('done')
