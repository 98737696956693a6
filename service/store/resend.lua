-- resend: spend one more send of the verification and of the number.
-- KEYS  6 opted out (string)
-- ARGV  5 nonce  6 caller: of all that send the same nonce, the first is told to send, each time it asks
--       7 the randomness that the token is drawn from

local NONCE, CALLER, SEED = '=' .. ARGV[5], ARGV[6], ARGV[7]

local before = redis.call('HGET', RECORD, NONCE)
if before then return answer(before == CALLER and 'done' or 'repeated') end

local verdict = ended()
if verdict then return answer(verdict) end
-- A token of another length or key cannot be repeated: what would be sent now would not be accepted.
if redis.call('EXISTS', TOKEN) == 0 then return answer('gone') end

-- Others share a later message by now: this one would be the latest on the phone, and wrong for them.
local last = redis.call('HMGET', NUMBER, 'r', 'e', 'k')
if last[1] and last[1] ~= SEED and tonumber(last[3] or 0) > 0 and tonumber(last[2]) > NOW then return answer('gone') end

if redis.call('EXISTS', KEYS[6]) == 1 then return answer('opted_out') end

local sends = tonumber(redis.call('HGET', RECORD, 'n') or 1)
if sends >= RULES.sends then return answer('sends_spent') end
local wait = wait_for_check()
if wait > 0 then return answer('number_checks_spent', wait) end
wait = wait_for_send()
if wait > 0 then return answer('number_sends_spent', wait) end
local times = redis.call('HMGET', RECORD, 'l', 'b')
wait = wait_after(sends, times[1] or times[2])
if wait > 0 then return answer('too_soon', wait) end

redis.call('HSET', RECORD, 'n', sends + 1, 'l', NOW, NONCE, CALLER)
redis.call('HDEL', RECORD, 'd')
spend_send()
tidy()
return answer('done')
