-- show: read, and change nothing; but for a request that came again, note that it was told of a pending one.
-- @include verification
local IS_REPEAT = ARGV[7] == '1'

if IS_REPEAT and field('status') == 'p' then redis.call('HSET', RECORD, FIELD.was_told, '') end
return answer(redis.call('EXISTS', RECORD) == 1 and 'done' or 'gone')
