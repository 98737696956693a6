-- show: read, and change nothing.
-- @include verification

return answer(redis.call('EXISTS', RECORD) == 1 and 'done' or 'gone')
