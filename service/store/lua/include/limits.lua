-- The limits that many numbers share. A verb asks `shared_refusal`, then `sender_refusal`, and then calls `spend`.
-- Needs NUMBER, PAUSE, FREE, MONEY, CLOSED_NUMBER, CLOSED_RANGE, CLOSED_COUNTRY, SHARED, CHARGES, PRICE, HAS_SLOT,
-- FIRST_CHARGE (the position of the first charge's key) and KIND.
--
-- PAUSE (hash)     u until, ms; n how often in a row; t the clock of the trial that counted last
-- FREE (string)    the sender's next free moment, ms
-- MONEY (string)   spent today, in millionths
-- CLOSED_… (strings)  the sealed label of a number, range or country that is closed
-- a charge (list)  of ms, for each of CHARGES: its limit, its windows and whether it is enforced
-- @include windows

if IS_SENT then SHARED, CHARGES, PRICE = cjson.decode(SHARED), cjson.decode(CHARGES), tonumber(PRICE) end
local SHARE = 5 -- default, ours: of a range's limit for one address, so that none can spend it for everybody else
local IS_WELCOME = KIND == 'known' or tonumber(redis.call('HGET', NUMBER, 'y') or 0) > NOW
local PAUSED_UNTIL = IS_SENT and tonumber(redis.call('HGET', PAUSE, 'u') or 0)

local news = {} -- for operators: what happened, and to which limit
local function tell(event, limit) table.insert(news, {event = event, limit = limit}) end

-- A refusal, or news of one that is only observed.
local function refusal_of(limit, wait, enforced)
  if enforced then return {limit = limit, wait = wait} end
  tell('would_refuse', limit)
end

-- What an operator closed has no end. What the conversion limit closed has one, and is open to a phone that asked for a
-- message itself, and to a number that the caller vouches for.
local function closed()
  local refusal
  for _, key in ipairs({CLOSED_NUMBER, CLOSED_RANGE, CLOSED_COUNTRY}) do
    local left = redis.call('PTTL', key)
    if left == -1 then return {limit = 'closed', wait = 0} end
    if left >= 0 and not IS_WELCOME then refusal = refusal or refusal_of('closed', left, SHARED.conversion_enforced) end
  end
  return refusal
end

local function full()
  local refusal
  for i, charge in ipairs(CHARGES) do
    local wait = wait_for_room(KEYS[FIRST_CHARGE + i - 1], charge.windows)
    if wait > 0 and not (IS_WELCOME and charge.limit == 'starts_of_prefix') then
      refusal = refusal or refusal_of(charge.limit, wait, charge.enforced)
    end
  end
  return refusal
end

local function too_dear()
  if SHARED.spend > 0 and tonumber(redis.call('GET', MONEY) or 0) + PRICE > SHARED.spend then
    return refusal_of('spent_today', DAY - NOW % DAY, SHARED.spend_enforced)
  end
end

local function shared_refusal()
  if PAUSED_UNTIL > NOW then return {hold = 'paused', wait = PAUSED_UNTIL - NOW} end
  return closed() or full() or too_dear()
end

-- How long the message will wait for the sender, in ms, and why it would not be sent.
local function sender_refusal()
  if not HAS_SLOT then return 0, {hold = 'no_place', wait = 0} end
  if SHARED.step == 0 then return 0 end
  local wait = math.max(NOW, tonumber(redis.call('GET', FREE) or 0)) - NOW
  if wait > SHARED.queue then return wait, {hold = 'sender_rate', wait = wait - SHARED.queue} end
  return wait
end

-- Nothing refuses: spend everything. `wait` is that of the sender; `skipped` a limit that this message does not count
-- for. Returns what the verb has to tell besides.
local function spend(wait, skipped)
  if SHARED.step > 0 then
    redis.call('SET', FREE, NOW + wait + SHARED.step, 'PX', math.ceil(wait + SHARED.step))
  end
  for i, charge in ipairs(CHARGES) do
    if charge.limit ~= skipped then enter(KEYS[FIRST_CHARGE + i - 1], charge.windows) end
  end
  if PRICE > 0 then
    redis.call('INCRBY', MONEY, PRICE)
    redis.call('PEXPIRE', MONEY, DAY)
  end
  -- The pause is over: this one goes, and the others wait for what it finds.
  if PAUSED_UNTIL > 0 then redis.call('HSET', PAUSE, 'u', NOW + SHARED.trial) end
  return {wait = wait, trial = PAUSED_UNTIL > 0}
end

-- Answer a refusal, with the news that came with it.
local function refused(refusal)
  if #news > 0 then refusal.news = news end
  return answer(refusal.hold and 'held' or 'limited', refusal)
end
