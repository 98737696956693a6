-- start: decide all limits, spend them, and remember a verification and its token.
-- The same script again with the same id changes nothing and answers the same, and so does a request of the same name.
--
-- Somebody else may have asked for this number a moment ago. Then the message of that moment is good for this
-- verification too, and no other is sent; the answer is "shared", and tells the seed that the token is drawn from. So a
-- number gets one message in a token's life, however many strangers ask, and the person gets in with it. Such a start
-- is judged and spends nothing.
-- @include verification
local OPTED_OUT, PAUSE, FREE, MONEY, CLOSED_NUMBER, CLOSED_RANGE, CLOSED_COUNTRY, GUESSES, SOURCE_IN_RANGE, LINES, RANGE,
  COUNTRY = unpack(KEYS, 7)
local FIRST_CHARGE = 19
local MEMO, SEED, REQUEST, KIND, REFERENCE, LOCALE, IS_SENT, HAS_SLOT, SHARED, CHARGES, PRICE, LINE, LABEL, IS_HOME,
  HAS_SOURCE = unpack(ARGV, 6)
IS_SENT, HAS_SLOT, IS_HOME, HAS_SOURCE = IS_SENT == '1', HAS_SLOT == '1', IS_HOME == '1', HAS_SOURCE == '1'

if redis.call('EXISTS', RECORD) == 1 then
  local shared = field('shares')
  return answer(shared and 'shared' or 'done', {other = shared or nil})
end

local before = REQUEST ~= '' and redis.call('HGET', NUMBER, 'q' .. REQUEST)
if before and string.sub(before, 1, 10) * 1000 > NOW then return answer('repeated', {other = string.sub(before, 11)}) end

SENDS = RULES.sends_to[KIND]
-- @include limits
-- @include guesses
-- @include evidence

-- Whether this address began something in the last hour that did not end, as far as that is known.
local function is_unfinished()
  for i, charge in ipairs(CHARGES) do
    if charge.limit == 'starts_of_address' then
      for _, ms in ipairs(redis.call('LRANGE', KEYS[FIRST_CHARGE + i - 1], 0, -1)) do
        if ms + HOUR > NOW and ms + FRESH * SLOT <= NOW then return true end
      end
    end
  end
  return false
end

local function guessing_refusal()
  if not is_unfinished() then return end
  local checks, wrong = guesses()
  if wrong >= SHARED.guesses and wrong * 2 > checks then
    return refusal_of('wrong_checks_in_all', SLOT, SHARED.guesses_enforced)
  end
end

if IS_SENT then
  local refusal = shared_refusal() or guessing_refusal() or conversion_refusal()
  if refusal then return refused(refusal) end
end
if redis.call('EXISTS', OPTED_OUT) == 1 then return answer('opted_out') end
local wait = wait_for_check()
if wait > 0 then return limited('checks_of_number', wait) end

local last = redis.call('HMGET', NUMBER, 'r', 'w', 'e', 'k')
local is_live = last[1] and IS_SENT and tonumber(last[3]) - NOW >= RULES.share.life
-- Once it is shared, it is the number's only one until it expires, so that the latest message is always the right one.
local shared = is_live and (last[2] ~= BRIEF or tonumber(last[4] or 0) > 0) and last[1]
if shared and tonumber(last[4] or 0) >= RULES.share.sharers then
  return limited('sends_of_number', last[3] - NOW)
end
local expires = shared and tonumber(last[3]) or NOW + RULES.life
local told = {other = shared or nil}
if not shared then
  wait = wait_for_send()
  if wait > 0 then return limited('sends_of_number', wait) end
  if IS_SENT then
    local queued, refusal = sender_refusal()
    if refusal then return refused(refusal) end
    told = spend(queued, has_share() and 'starts_of_prefix' or nil)
    enter_start()
  end
end

local function set(name, value) if value ~= '' then redis.call('HSET', RECORD, FIELD[name], value) end end
redis.call('HSET', RECORD, FIELD.status, 'p', FIELD.begun, NOW, FIELD.expires, expires)
set('client', CLIENT)
set('reference', REFERENCE)
set('locale', LOCALE)
set('kind', KIND ~= 'usual' and KIND or '')
redis.call('PEXPIRE', RECORD, expires - NOW)
if shared then
  redis.call('HSET', RECORD, FIELD.shares, shared, FIELD.checks, math.max(0, RULES.checks - RULES.share.checks))
  redis.call('HINCRBY', NUMBER, 'k', 1)
else
  redis.call('SET', TOKEN, '', 'PX', RULES.life)
  enter_send()
  redis.call('HSET', NUMBER, 'r', SEED, 'w', BRIEF, 'e', expires)
  redis.call('HDEL', NUMBER, 'k')
end
if REQUEST ~= '' then
  local memo = MEMO .. (shared and ' ' .. shared or '')
  redis.call('HSET', NUMBER, 'q' .. REQUEST, string.format('%010d%s', math.ceil(expires / 1000), memo))
end
tidy()
forget_stale()
if #news > 0 then told.news = news end
return answer(shared and 'shared' or 'done', told)
