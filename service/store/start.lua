-- start: remember a verification and its token, and spend one send of the number.
-- KEYS  5 the request (string)  6 opted out (string)
-- ARGV  8 number, E.164  9 this verification's id  10 "" or anything: whether the request has a name
-- The same script again with the same id changes nothing and answers the same.

local REQUEST, NUMBER, ID, NAMED = KEYS[5], ARGV[8], ARGV[9], ARGV[10] ~= ''

if redis.call('EXISTS', RECORD) == 1 then return answer('done') end

local earlier = NAMED and redis.call('GET', REQUEST)
if earlier then return {'repeated', 0, NOW, earlier} end

if redis.call('EXISTS', KEYS[6]) == 1 then return answer('opted_out') end
local wait = wait_for_room(CHECKS, CHECK_WINDOWS)
if wait > 0 then return answer('number_checks_spent', wait) end
wait = wait_for_room(SENDS, SEND_WINDOWS)
if wait > 0 then return answer('number_sends_spent', wait) end

redis.call('HSET', RECORD, 's', 'p', 't', NUMBER, 'b', NOW, 'e', NOW + LIFE, 'n', 1, 'l', NOW, 'c', 0)
redis.call('PEXPIRE', RECORD, LIFE)
redis.call('SET', TOKEN, '', 'PX', LIFE)
if NAMED then redis.call('SET', REQUEST, ID, 'PX', LIFE) end
spend(SENDS, SEND_WINDOWS)
return answer('done')
