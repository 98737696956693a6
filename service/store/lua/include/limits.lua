-- The limits that many numbers share. A verb asks `shared_refusal`, then `sender_refusal`, and then calls `spend`.
-- Needs what unfinished.lua needs, IS_SENT (of a test number nothing is, and nothing of this is there), NUMBER, PAUSE,
-- FREE, MONEY, CLOSED_NUMBER, CLOSED_COUNTRY, APPROVED, CHARGES,
-- PRICE, LABEL, HAS_SLOT, FIRST_CHARGE (the position of the first charge's key) and KIND.
--
-- PAUSE (hash)     u until, ms; n how often in a row; t the clock of the trial that counted last
-- FREE (string)    the sender's next free moment, ms
-- MONEY (string)   spent today, in millionths
-- CLOSED_… (strings)  the sealed label of a number, range or country that is closed
-- a charge (list)  of ms, for each of CHARGES: its limit, its windows and whether it is enforced
-- @include windows
-- @include unfinished

if IS_SENT then CHARGES, PRICE = cjson.decode(CHARGES), tonumber(PRICE) end
local IS_WELCOME = KIND == 'known' or tonumber(redis.call('HGET', NUMBER, 'y') or 0) > NOW
local PAUSED_UNTIL = IS_SENT and tonumber(redis.call('HGET', PAUSE, 'u') or 0)
local HEALTHY = 80 -- per cent of messages abroad that an approval follows; Telnyx: 60 to 80 is healthy
local FRESH = 2 * SLOT -- whoever was texted within these is given time to type
local is_trickle = false -- whether this message passes although its range is closed

local news = {} -- for operators: what happened, and to which limit
local function tell(event, limit) table.insert(news, {event = event, limit = limit}) end

-- A refusal, or news of one that is only observed.
local function refusal_of(limit, wait, enforced)
  if wait <= 0 then return end
  if enforced then return {limit = limit, wait = wait} end
  tell('would_refuse', limit)
end

-- Times of messages, oldest first: how long until one more fits into every window.
local function wait_among(times, windows)
  return wait_in(function(n) return times[#times - n + 1] end, windows)
end

-- Unfinished messages of this network: all, of this address, to this range, to this country.
local OF = {network = {}, address = {}, range = {}, country = {}}
if IS_SENT and HAS_NETWORK then
  for _, entry in ipairs(redis.call('LRANGE', NETWORK, 0, -1)) do
    local ms = tonumber(string.sub(entry, 1, 13))
    if ms + DAY > NOW then
      table.insert(OF.network, ms)
      if string.sub(entry, 26) == ADDRESS then table.insert(OF.address, ms) end
      if string.sub(entry, 14, 15) == SUBJECTS.country then table.insert(OF.country, ms) end
      if string.sub(entry, 14, 21) == RANGE_OF_ENTRY then table.insert(OF.range, ms) end
    end
  end
end

local function within(times, ms)
  local many = 0
  for _, time in ipairs(times) do if time + ms > NOW then many = many + 1 end end
  return many
end

-- 1. What the source itself has spent.
local function source_refusal()
  return refusal_of('starts_of_address', wait_among(OF.address, SHARED.address), SHARED.address_enforced)
    or refusal_of('starts_of_network', wait_among(OF.network, SHARED.network), SHARED.network_enforced)
    or not IS_WELCOME
    and refusal_of('starts_of_prefix', wait_among(OF.range, SHARED.range_share), SHARED.range_enforced) or nil
end

-- 2. What came of messages to this range and to its country.
local function read_range()
  local range = {networks = {}, approvals = 0, last_trickle = 0, closed_at = 0}
  local entries = redis.call('HGETALL', RANGE)
  for i = 1, #entries, 2 do
    local kind, value = string.sub(entries[i], 1, 1), entries[i + 1]
    if kind == 't' then
      range.last_trickle = tonumber(value)
    elseif kind == 'z' then
      range.closed_at = tonumber(value)
    elseif kind == 'l' then -- nothing to count
    elseif kind == 'a' then
      if math.floor(NOW / HOUR) - string.sub(entries[i], 2) > 24 then table.insert(stale, {RANGE, entries[i]})
      else range.approvals = range.approvals + value end
    else
      local ms, line = string.match(value, '(%d+) (%d+)')
      if ms + DAY <= NOW then table.insert(stale, {RANGE, entries[i]})
      else table.insert(range.networks, {ms = tonumber(ms), line = tonumber(line)}) end
    end
  end
  table.sort(range.networks, function(one, other) return one.ms < other.ms end)
  return range
end

-- Networks that had time to finish in a country within a day, approvals, and all networks that began something.
local function read_country()
  local starts, approvals, fresh = 0, 0, 0
  local entries = redis.call('HGETALL', COUNTRY)
  for i = 1, #entries, 2 do
    local kind, at, many = string.sub(entries[i], 1, 1), tonumber(string.sub(entries[i], 2)), tonumber(entries[i + 1])
    if kind == 'f' and at * SLOT + FRESH <= NOW or kind ~= 'f' and math.floor(NOW / HOUR) - at > 24 then
      table.insert(stale, {COUNTRY, entries[i]})
    elseif kind == 'f' then fresh = fresh + many
    elseif kind == 's' then starts = starts + many
    else approvals = approvals + many end
  end
  return math.max(starts - fresh, approvals), approvals, starts
end

-- Of messages that had time to be followed by an approval, so many were sent, and less than so many per cent were.
local function is_below(sent, approvals, least, percent) return sent >= least and approvals * 100 < sent * percent end

-- Numbers that different networks asked for one after the other, within a short time.
local function is_in_sequence(range)
  local lately = {[SUBJECTS.line] = true}
  for _, one in ipairs(range.networks) do if one.ms + SHARED.span > NOW then lately[one.line] = true end end
  local length = 1
  for _, step in ipairs({-1, 1}) do
    local line = (SUBJECTS.line + step) % 10000
    while length < SHARED.sequence and lately[line] do length, line = length + 1, (line + step) % 10000 end
  end
  return length >= SHARED.sequence
end

-- A closed range lets a message through now and then, of a network that did not cause the closing: one approval opens it.
local function closed_refusal(left, range, is_own)
  local wait = left
  if not is_own then
    wait = math.min(left, range.last_trickle + SHARED.trickle - NOW)
    if wait <= 0 then is_trickle = true return end
  end
  return refusal_of('closed', wait, SHARED.conversion_enforced)
end

local function range_refusal()
  for _, key in ipairs({CLOSED_NUMBER, CLOSED_RANGE, CLOSED_COUNTRY}) do
    if redis.call('PTTL', key) == -1 then return {limit = 'closed', wait = 0} end -- an operator's
  end
  if IS_WELCOME then return end
  local range = read_range()
  local left = redis.call('PTTL', CLOSED_RANGE)
  if left > 0 then return closed_refusal(left, range, #OF.range > 0) end

  local waiting, had_time, lines = {}, 0, {}
  for _, one in ipairs(range.networks) do
    table.insert(waiting, one.ms)
    if one.ms + FRESH <= NOW and not lines[one.line] then -- a number that is bombed, or never texted, is one
      had_time, lines[one.line] = had_time + 1, true
    end
  end
  local refusal = refusal_of('starts_of_prefix', wait_among(waiting, SHARED.range), SHARED.range_enforced)
  if refusal then return refusal end

  -- Where others did not finish either, and nobody did, a network gets two messages an hour.
  local function is_one_of_many(own, others, approvals) return within(own, HOUR) >= 2 and others > 0 and approvals == 0 end
  local others = #range.networks - (#OF.range > 0 and 1 or 0)
  if is_one_of_many(OF.range, others, range.approvals) then
    return refusal_of('starts_of_prefix', OF.range[#OF.range - 1] + HOUR - NOW, SHARED.range_enforced)
  end

  local sent = had_time + range.approvals
  local is_new = had_time > 0 and range.networks[had_time].ms > range.closed_at -- or it was closed for that already
  local is_bad = range.approvals == 0 and had_time >= SHARED.unfinished
    or is_below(sent, range.approvals, SHARED.least, SHARED.close)
  if is_new and is_bad or is_in_sequence(range) then
    tell(SHARED.conversion_enforced and 'range_closed' or 'range_would_close')
    if SHARED.conversion_enforced then
      redis.call('SET', CLOSED_RANGE, LABEL, 'PX', SHARED.closed_for)
      redis.call('HSET', RANGE, 'z', NOW)
      return closed_refusal(SHARED.closed_for, {last_trickle = 0}, #OF.range > 0)
    end
  elseif is_below(sent, range.approvals, SHARED.least, SHARED.warn) then
    tell('range_low_conversion')
  end

  local sent_there, approved_there, begun_there = read_country()
  if not SUBJECTS.is_home and is_one_of_many(OF.country, begun_there - 1, approved_there) then
    return refusal_of('starts_of_prefix', OF.country[#OF.country - 1] + HOUR - NOW, SHARED.range_enforced)
  end
  if is_below(sent_there, approved_there, SHARED.least, SHARED.warn) then tell('country_low_conversion') end
  -- While messages to a country abroad come to nothing, a network that sent one waits an hour, and a range that nobody
  -- finished in lets messages through as if it were closed.
  if not SUBJECTS.is_home and is_below(sent_there, approved_there, SHARED.unfinished, HEALTHY) then
    local latest_own = OF.country[#OF.country] or -HOUR
    refusal = refusal_of('closed', latest_own + HOUR - NOW, SHARED.conversion_enforced)
    if refusal then return refusal end
    if range.approvals == 0 and #range.networks > 0 then
      local latest = math.max(range.last_trickle, range.networks[#range.networks].ms)
      return closed_refusal(latest + SHARED.trickle - NOW, {last_trickle = latest}, false)
    end
  end
end

-- 3. What everybody has spent. While much of it was not followed by an approval, a network gets less of it, and the last
-- part is for those who finish, for numbers that the caller vouches for, and for phones that texted START.
local function share_refusal(charge)
  if #charge.parts == 0 or IS_WELCOME then return end
  local approved = HAS_NETWORK and tonumber(redis.call('GET', APPROVED) or 0) or 0
  for _, window in ipairs(charge.parted) do
    local own = within(OF.network, window[2])
    if HAS_NETWORK and (approved == 0 or approved < within(OF.network, HOUR)) or not HAS_NETWORK then
      local part = charge.parts[HAS_NETWORK and math.min(own + 1, #charge.parts) or 1]
      local most = math.max(1, math.floor(window[1] * part))
      local refusal = refusal_of(charge.limit, wait_for_room(UNFINISHED, {{most, window[2]}}), charge.enforced)
      if refusal then return refusal end
    end
  end
end

local function charge_refusal()
  local refusal
  for i, charge in ipairs(CHARGES) do
    refusal = refusal or refusal_of(charge.limit, wait_for_room(KEYS[FIRST_CHARGE + i - 1], charge.windows), charge.enforced)
      or share_refusal(charge)
  end
  if SHARED.spend > 0 and tonumber(redis.call('GET', MONEY) or 0) + PRICE > SHARED.spend then
    refusal = refusal or refusal_of('spent_today', DAY - NOW % DAY, SHARED.spend_enforced)
  end
  return refusal
end

local function shared_refusal()
  if PAUSED_UNTIL > NOW then return {hold = 'paused', wait = PAUSED_UNTIL - NOW} end
  return source_refusal() or charge_refusal() or range_refusal()
end

-- How long the message will wait for the sender, in ms, and why it would not be sent.
local function sender_refusal()
  if not HAS_SLOT then return 0, {hold = 'no_place', wait = 0} end
  if SHARED.step == 0 then return 0 end
  local wait = math.max(NOW, tonumber(redis.call('GET', FREE) or 0)) - NOW
  if wait > SHARED.queue then return wait, {hold = 'sender_rate', wait = wait - SHARED.queue} end
  return wait
end

local function enter_unfinished()
  redis.call('RPUSH', UNFINISHED, NOW)
  redis.call('LTRIM', UNFINISHED, -SHARED.remembered, -1)
  redis.call('PEXPIRE', UNFINISHED, DAY)
  if is_trickle then redis.call('HSET', RANGE, 't', NOW) end
  if HAS_NETWORK then
    redis.call('RPUSH', NETWORK, entry_of(NOW))
    redis.call('LTRIM', NETWORK, -SHARED.remembered_of_network, -1)
    redis.call('PEXPIRE', NETWORK, DAY)
    redis.call('HSET', RANGE, ENTRY_OF_NETWORK, string.format('%013d %d', NOW, SUBJECTS.line), 'l', LABEL)
    if #OF.country == 0 then
      redis.call('HINCRBY', COUNTRY, 's' .. math.floor(NOW / HOUR), 1)
      redis.call('HINCRBY', COUNTRY, 'f' .. math.floor(NOW / SLOT), 1)
      redis.call('PEXPIRE', COUNTRY, DAY + HOUR)
    end
  end
  if HAS_NETWORK or is_trickle then redis.call('PEXPIRE', RANGE, DAY + HOUR) end
end

-- Nothing refuses: spend everything. `wait` is that of the sender. Returns what the verb has to tell besides.
local function spend(wait)
  if SHARED.step > 0 then
    redis.call('SET', FREE, NOW + wait + SHARED.step, 'PX', math.ceil(wait + SHARED.step))
  end
  for i, charge in ipairs(CHARGES) do enter(KEYS[FIRST_CHARGE + i - 1], charge.windows) end
  if PRICE > 0 then
    redis.call('INCRBY', MONEY, PRICE)
    redis.call('PEXPIRE', MONEY, DAY)
  end
  enter_unfinished()
  -- The pause is over: this one goes, and the others wait for what it finds.
  if PAUSED_UNTIL > 0 then redis.call('HSET', PAUSE, 'u', NOW + SHARED.trial) end
  return {wait = wait, trial = PAUSED_UNTIL > 0}
end

-- Answer a refusal, with the news that came with it.
local function refused(refusal)
  if #news > 0 then refusal.news = news end
  return answer(refusal.hold and 'held' or 'limited', refusal)
end
