-- show: read, and change nothing.

return answer(redis.call('EXISTS', RECORD) == 1 and 'done' or 'gone')
