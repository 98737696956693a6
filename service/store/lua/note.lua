-- note: write an opaque note. Returns the note that was there when a claim finds one.
local KEYRING, NOTE = unpack(KEYS)
local KEYRING_ID, HOW, VALUE, SECONDS, MOST = unpack(ARGV) -- HOW: claim, write, count, or push to the front of a list of MOST
-- @include keyring

if HOW == 'push' then
  for _, one in ipairs(redis.call('LRANGE', NOTE, 0, -1)) do
    if one == VALUE then return end -- the same again, because its answer was lost
  end
  redis.call('LPUSH', NOTE, VALUE)
  redis.call('LTRIM', NOTE, 0, MOST - 1)
  redis.call('EXPIRE', NOTE, SECONDS)
elseif HOW == 'count' then
  local many = redis.call('INCR', NOTE)
  if many == 1 then redis.call('EXPIRE', NOTE, SECONDS) end
  return {tostring(many)}
elseif HOW == 'write' then
  redis.call('SET', NOTE, VALUE, 'EX', SECONDS)
else
  local before = redis.call('GET', NOTE)
  if before then return {before} end
  redis.call('SET', NOTE, VALUE, 'EX', SECONDS)
end
