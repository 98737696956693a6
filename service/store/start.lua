-- start: remember a verification and its token, and spend one send of the number.
-- KEYS  7 the request (string)  8 opted out (string)
-- ARGV  12 number, E.164  13 this verification's id  14 its randomness  15 "" or anything: whether the request has a name
--       16 origin  17 how long a token must still live to be shared, ms  18 how many may share it
--       19 how many checks each of these has  20 reference  21 locale
-- The same script again with the same id changes nothing and answers the same.
--
-- Somebody else may have asked for this number a moment ago. Then the message of that moment is good for this
-- verification too, and no other is sent; the answer is "shared", and ends with the randomness that the token is drawn
-- from. So a number gets one message in a token's life, however many strangers ask, and the person gets in with it.

local REQUEST, OPTED_OUT = KEYS[7], KEYS[8]
local TO, ID, RANDOM, NAMED, ORIGIN, SHARE = ARGV[12], ARGV[13], ARGV[14], ARGV[15] ~= '', ARGV[16], tonumber(ARGV[17])
local SHARERS, SHARED_CHECKS = tonumber(ARGV[18]), tonumber(ARGV[19])
local TOLD = {w = OWNER, x = ARGV[20], g = ARGV[21]}

if redis.call('EXISTS', RECORD) == 1 then
  local shared = redis.call('HGET', RECORD, 'j')
  local same = answer(shared and 'shared' or 'done')
  same[16] = shared or nil
  return same
end

local earlier = NAMED and redis.call('GET', REQUEST)
if earlier then return {'repeated', 0, NOW, earlier} end

if redis.call('EXISTS', OPTED_OUT) == 1 then return answer('opted_out') end
local wait = wait_for_check()
if wait > 0 then return answer('number_checks_spent', wait) end

local last = redis.call('HMGET', NUMBER, 'r', 'w', 'e', 'k')
local is_live = last[1] and tonumber(last[3]) - NOW >= SHARE
-- Once it is shared, it is the number's only one until it expires, so that the latest message is always the right one.
local shared = is_live and (last[2] ~= SOURCE or tonumber(last[4]) > 0) and last[1]
if shared and tonumber(last[4]) >= SHARERS then return answer('number_sends_spent', last[3] - NOW) end
local expires = shared and tonumber(last[3]) or NOW + LIFE
if not shared then
  wait = wait_for_send()
  if wait > 0 then return answer('number_sends_spent', wait) end
end

redis.call('HSET', RECORD, 's', 'p', 't', TO, 'b', NOW, 'e', expires, 'n', 1, 'l', NOW, 'c', 0, 'o', ORIGIN)
for field, value in pairs(TOLD) do
  if value ~= '' then redis.call('HSET', RECORD, field, value) end
end
redis.call('PEXPIRE', RECORD, expires - NOW)
if shared then
  redis.call('HSET', RECORD, 'j', shared, 'c', math.max(0, MAX_CHECKS - SHARED_CHECKS))
  redis.call('HINCRBY', NUMBER, 'k', 1)
  if NAMED then redis.call('SET', REQUEST, ID .. shared, 'PX', expires - NOW) end
  local new = answer('shared')
  new[16] = shared
  return new
end
if NAMED then redis.call('SET', REQUEST, ID, 'PX', LIFE) end
redis.call('SET', TOKEN, '', 'PX', LIFE)
spend_send()
redis.call('HSET', NUMBER, 'r', RANDOM, 'w', SOURCE, 'e', expires, 'k', 0)
return answer('done')
