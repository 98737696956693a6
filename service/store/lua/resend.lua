-- resend: decide all limits, and spend one more message of the verification, of the number and of the shared limits.
-- @include verification
local OPTED_OUT, PAUSE, FREE, MONEY, CLOSED_NUMBER, CLOSED_RANGE, CLOSED_COUNTRY, NETWORK, UNFINISHED, RANGE, COUNTRY,
  APPROVED = unpack(KEYS, 8)
local FIRST_CHARGE = 20
-- CALLER: of the calls with the same nonce, only the first may send, each time it asks
local NONCE, CALLER, SEED, IS_SENT, HAS_SLOT, CHARGES, PRICE, SUBJECTS, LABEL = unpack(ARGV, 7)
NONCE, IS_SENT, HAS_SLOT = '=' .. NONCE, IS_SENT == '1', HAS_SLOT == '1'
local KIND = field('kind')

local before = redis.call('HGET', RECORD, NONCE)
if before then return answer(before == CALLER and 'done' or 'repeated') end

local verdict = ended()
if verdict then return answer(verdict) end
-- A token of another length cannot be sent again: the one drawn now would not be accepted.
if redis.call('EXISTS', TOKEN) == 0 then return answer('gone') end

-- Others share a later message by now: this one would be the latest on the phone, with a wrong code for them.
local last = redis.call('HMGET', NUMBER, 'r', 'e', 'k')
if last[1] and last[1] ~= SEED and tonumber(last[3] or 0) > 0 and tonumber(last[2]) > NOW then return answer('gone') end

local sends = tonumber(field('sends') or 1)
if sends >= RULES.sends then return limited('sends_of_verification', 0) end
local wait = wait_after(sends, table.remove(sent_at()))
if wait > 0 then return limited('resend_wait', wait) end
if redis.call('EXISTS', OPTED_OUT) == 1 then return answer('opted_out') end

-- @include limits
if IS_SENT then
  local refusal = shared_refusal()
  if refusal then return refused(refusal) end
end
wait = wait_for_check(field('is_silent'))
if wait > 0 then return limited('checks_of_number', wait) end
wait = wait_for_send()
if wait > 0 then return limited('sends_of_number', wait) end

local details = {}
if IS_SENT then
  local queued, refusal = sender_refusal()
  if refusal then return refused(refusal) end
  details = spend(queued)
end
redis.call('HSET', RECORD, FIELD.sends, sends + 1, FIELD.later_sends, (field('later_sends') or '') .. string.format(' %d', NOW), NONCE, CALLER)
redis.call('HDEL', RECORD, FIELD.delivery)
enter_send()
enter_trail('r', MARK, sends + 1)
if IS_SENT then count_send(PRICE) end
tidy()
forget_stale()
if #news > 0 then details.news = news end
return answer('done', details)
