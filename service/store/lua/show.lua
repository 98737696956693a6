-- show: read. For a repeated request also record that it got a pending verification.
-- @include verification
local IS_REPEAT = ARGV[7] == '1'

if IS_REPEAT and field('status') == 'p' then redis.call('HSET', RECORD, FIELD.was_repeated, '') end
return answer(redis.call('EXISTS', RECORD) == 1 and 'done' or 'gone')
