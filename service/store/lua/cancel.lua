-- cancel: end a pending verification. Again: the same answer.
-- Its token stays until it expires, only for verifications that share it. Otherwise a stranger could start first, wait
-- until somebody shares the token, cancel, and so make that person's message useless.
-- @include verification

if field('status') == 'c' then return answer('done') end
local verdict = ended()
if verdict then return answer(verdict) end

redis.call('HSET', RECORD, FIELD.status, 'c')
enter_trail('c', MARK)
return answer('done')
