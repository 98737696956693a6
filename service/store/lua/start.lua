-- start: decide all limits, spend them, and remember a verification and its token.
-- The same script again with the same id changes nothing and answers the same, and so does a request of the same name.
--
-- If another source asked for this number recently, this verification shares that message's token and no other message
-- is sent: the answer is "shared", with the seed that the token is drawn from. So a number gets one message in a
-- token's life, however many strangers ask, and the person can use it. The limits apply to such a start, and it spends
-- nothing. Where an application does not name its callers, a message with the same token is sent again.
-- @include verification
local OPTED_OUT, PAUSE, FREE, MONEY, CLOSED_NUMBER, CLOSED_RANGE, CLOSED_COUNTRY, NETWORK, UNFINISHED, RANGE, COUNTRY,
  APPROVED, GUESSES, GUESSED = unpack(KEYS, 8)
local FIRST_CHARGE = 22
local MEMO, SEED, REQUEST, KIND, REFERENCE, LOCALE, IS_SENT, HAS_SLOT, CHARGES, PRICE, SUBJECTS, LABEL =
  unpack(ARGV, 7)
IS_SENT, HAS_SLOT = IS_SENT == '1', HAS_SLOT == '1'

if redis.call('EXISTS', RECORD) == 1 then
  local shared = field('shares')
  return answer(field('is_silent') and 'shared' or 'done', {other = shared or nil})
end

local before = REQUEST ~= '' and redis.call('HGET', NUMBER, 'q' .. REQUEST)
if before and string.sub(before, 1, 10) * 1000 > NOW then return answer('repeated', {other = string.sub(before, 11)}) end

SENDS = RULES.sends_to[KIND]
-- @include limits
-- @include guesses

-- While many guess, a network that guesses starts nothing.
local function guessing_refusal()
  if not HAS_NETWORK or tonumber(redis.call('GET', GUESSED) or 0) < GUESSING_MIN then return end
  local right, wrong = guesses()
  if wrong >= SHARED.guesses and wrong > right then
    return refusal_of('wrong_checks_in_all', math.max(1, redis.call('PTTL', GUESSED)), SHARED.guesses_enforced)
  end
end

if IS_SENT then
  local refusal = shared_refusal() or guessing_refusal()
  if refusal then return refused(refusal) end
end
if redis.call('EXISTS', OPTED_OUT) == 1 then return answer('opted_out') end

local last = redis.call('HMGET', NUMBER, 'r', 'w', 'e', 'k')
local is_live = last[1] and IS_SENT and tonumber(last[3]) - NOW >= RULES.share.life
-- A shared token is the number's only one until it expires, so that the latest message is always the right one.
local is_silent = is_live and (last[2] ~= BRIEF or tonumber(last[4] or 0) > 0)
-- Exception: the first start after the phone texted START sends a message, if the hourly limit allows it.
if is_silent and redis.call('HEXISTS', NUMBER, 'h') == 1 and wait_for_send() == 0 then is_silent = false end
local shares = is_live and (is_silent or not TOLD_APART) and last[1] or nil
local wait = wait_for_check(is_silent)
if wait > 0 then return limited('checks_of_number', wait) end
local expires = shares and tonumber(last[3]) or NOW + RULES.life
local details = {}
if is_silent then
  if tonumber(redis.call('HGET', NUMBER, 'x' .. BRIEF) or 0) >= RULES.share.times then
    return limited('sends_of_number', expires - NOW)
  end
else
  wait = wait_for_send()
  if wait > 0 then return limited('sends_of_number', wait) end
  if IS_SENT then
    local queued, refusal = sender_refusal()
    if refusal then return refused(refusal) end
    details = spend(queued)
  end
end

local function set(name, value) if value and value ~= '' then redis.call('HSET', RECORD, FIELD[name], value) end end
redis.call('HSET', RECORD, FIELD.status, 'p', FIELD.begun, NOW, FIELD.expires, expires)
set('client', CLIENT)
set('reference', REFERENCE)
set('locale', LOCALE)
set('kind', KIND ~= 'usual' and KIND)
set('shares', shares)
redis.call('PEXPIRE', RECORD, expires - NOW)
if is_silent then
  redis.call('HSET', RECORD, FIELD.is_silent, '', FIELD.checks, math.max(0, RULES.checks - RULES.share.checks))
  redis.call('HINCRBY', NUMBER, 'k', 1)
  redis.call('HINCRBY', NUMBER, 'x' .. BRIEF, 1)
else
  enter_send()
  if not shares then
    redis.call('SET', TOKEN, '', 'PX', RULES.life)
    forget_latest()
    redis.call('HSET', NUMBER, 'r', SEED, 'w', BRIEF, 'e', expires)
  end
end
if REQUEST ~= '' then
  local memo = MEMO .. (shares and ' ' .. shares or '')
  redis.call('HSET', NUMBER, 'q' .. REQUEST, string.format('%010d%s', math.ceil(expires / 1000), memo))
end
tidy()
forget_stale()
enter_trail(is_silent and 'h' or IS_SENT and 'b' or 't', MEMO, shares or '-', CLIENT)
count(is_silent and 'shared' or 'starts')
if IS_SENT and not is_silent then count_send(PRICE) end
details.other = shares
if #news > 0 then details.news = news end
return answer(is_silent and 'shared' or 'done', details)
