-- start: remember a verification and its token, and spend one send of the number.
-- KEYS  6 opted out (string)
-- ARGV  5 number, E.164  6 this verification's randomness  7 "" or the name of the request
--       8 origin  9 how long a token must still live to be shared, ms  10 how many may share it
--       11 how many checks each of these has  12 reference  13 locale  14 kind of number
-- The same script again with the same id changes nothing and answers the same.
--
-- Somebody else may have asked for this number a moment ago. Then the message of that moment is good for this
-- verification too, and no other is sent; the answer is "shared", and tells the randomness that the token is drawn
-- from (other). So a number gets one message in a token's life, however many strangers ask, and the person gets in
-- with it.

local OPTED_OUT, TO, RANDOM, REQUEST, ORIGIN, SHARE = KEYS[6], ARGV[5], ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9])
local SHARERS, SHARED_CHECKS = tonumber(ARGV[10]), tonumber(ARGV[11])
local TOLD = {w = OWNER, x = ARGV[12], g = ARGV[13], y = ARGV[14] ~= 'usual' and ARGV[14] or ''}

if redis.call('EXISTS', RECORD) == 1 then
  local shared = redis.call('HGET', RECORD, 'j')
  return answer(shared and 'shared' or 'done', 0, {other = shared or nil})
end

SENDS = RULES.sends_to[ARGV[14]]

local before = REQUEST ~= '' and redis.call('HGET', NUMBER, 'q' .. REQUEST)
if before and string.sub(before, 1, 10) * 1000 > NOW then return answer('repeated', 0, {other = string.sub(before, 11)}) end

if redis.call('EXISTS', OPTED_OUT) == 1 then return answer('opted_out') end
local wait = wait_for_check()
if wait > 0 then return answer('number_checks_spent', wait) end

local last = redis.call('HMGET', NUMBER, 'r', 'w', 'e', 'k')
local is_live = last[1] and tonumber(last[3]) - NOW >= SHARE
-- Once it is shared, it is the number's only one until it expires, so that the latest message is always the right one.
local shared = is_live and (last[2] ~= BRIEF or tonumber(last[4] or 0) > 0) and last[1]
if shared and tonumber(last[4] or 0) >= SHARERS then return answer('number_sends_spent', last[3] - NOW) end
local expires = shared and tonumber(last[3]) or NOW + RULES.life
if not shared then
  wait = wait_for_send()
  if wait > 0 then return answer('number_sends_spent', wait) end
end

redis.call('HSET', RECORD, 's', 'p', 't', TO, 'b', NOW, 'e', expires, 'o', ORIGIN)
for field, value in pairs(TOLD) do
  if value ~= '' then redis.call('HSET', RECORD, field, value) end
end
redis.call('PEXPIRE', RECORD, expires - NOW)
if shared then
  redis.call('HSET', RECORD, 'j', shared, 'c', math.max(0, RULES.checks - SHARED_CHECKS))
  redis.call('HINCRBY', NUMBER, 'k', 1)
else
  redis.call('SET', TOKEN, '', 'PX', RULES.life)
  spend_send()
  redis.call('HSET', NUMBER, 'r', RANDOM, 'w', BRIEF, 'e', expires)
  redis.call('HDEL', NUMBER, 'k')
end
if REQUEST ~= '' then
  redis.call('HSET', NUMBER, 'q' .. REQUEST, string.format('%010d%s%s', math.ceil(expires / 1000), RANDOM, shared or ''))
end
tidy()
return answer(shared and 'shared' or 'done', 0, {other = shared or nil})
