-- allow: spend the budgets that many numbers share. All or nothing: a refusal spends none.
-- KEYS  1 pause (hash: u until, ms; n how often in a row)  2 the sender's next free moment, ms (string)
--       3 money spent today (string)  4 to 6 the number, its prefix and its country, when they are closed (strings)
--       7 and 8 what came of starts to the prefix and to the country (hashes)  9 lines asked for within a day (sorted set)
--       10 checks of all numbers (hash)  11 when this place began something in this prefix (list of ms)
--       12 the phone itself asked for a message (string)  13… a list of ms for each budget
--       last: this request (string), so that the same again spends nothing and is answered the same
-- ARGV  1 the caller's clock, ms  2 the brake (JSON): see below  3 price of the message
--       4 1 for a start, 0 for another message of one  5 the number's last four digits  6 the prefix, for people to read
--       7 checks since this process told last  8 wrong ones of them  9 1 when a place asks that is counted
--       10 1 for the home country  11 1 for a number that the caller vouches for
--       12… one for each budget (JSON): its windows {limit, ms}, whether it is enforced, and "address" or "prefix" for these
-- Brake: step, one message of the sender takes, ms (0: no rate); queue, the longest, ms; trial, how long one keeps the
--       others waiting, ms; spend, money a day (0: no limit); conversion: its least sends (least), close and warn below
--       (%), closed_for (ms), from so many places without any approval close (unfinished); so many numbers in a sequence
--       within a span (ms); so many guesses (wrong checks) an hour; and which of them are enforced
-- Returns (JSON) a verdict, a wait, ms, whether it is a trial, when it was spent (stamp), which budget refuses (from 1; 0
-- none), and news: words for the log of what would have been refused if it were enforced, was closed, or looks wrong.

local PAUSE, FREE, MONEY, LINES, GUESSES, PLACE = KEYS[1], KEYS[2], KEYS[3], KEYS[9], KEYS[10], KEYS[11]
local BRAKE, IS_START = cjson.decode(ARGV[2]), ARGV[4] == '1'
local HOUR, DAY, SLOT, HOURS = 3600000, 86400000, 120000, 24
local FRESH = 2 -- slots: who was texted within these is given time to type
local SHARE = 5 -- of a prefix's budget, for one place; ours: one address cannot spend it for everybody else

local time = redis.call('TIME')
local NOW = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[1]))
local THIS_SLOT, THIS_HOUR = math.floor(NOW / SLOT), math.floor(NOW / HOUR)

local news = {}

local ONCE, FIRST, LAST = KEYS[#KEYS], 13, #KEYS - 1
local before = redis.call('GET', ONCE)
if before then
  local wait, trial, stamp = string.match(before, '(%d+) (%d+) (%d+)')
  return cjson.encode({verdict = 'done', wait = tonumber(wait), trial = trial == '1', stamp = tonumber(stamp)})
end

local BUDGETS = {}
for i = FIRST, LAST do BUDGETS[i] = cjson.decode(ARGV[12 + i - FIRST]) end

-- What came of starts within a day: starts and approvals, those of the latest hour or two, how many starts are fresh,
-- and when the first was. A hash of s and a by hour, and of f, the starts, by slot.
local function tally(key)
  local t = {starts = 0, approvals = 0, lately = 0, approved_lately = 0, fresh = 0, since = THIS_HOUR}
  local entries = redis.call('HGETALL', key)
  for i = 1, #entries, 2 do
    local kind, at, many = string.sub(entries[i], 1, 1), tonumber(string.sub(entries[i], 2)), tonumber(entries[i + 1])
    if kind == 'f' and THIS_SLOT - at >= FRESH or kind ~= 'f' and THIS_HOUR - at > HOURS then
      redis.call('HDEL', key, entries[i])
    elseif kind == 'f' then
      t.fresh = t.fresh + many
    elseif kind == 's' then
      t.starts, t.since = t.starts + many, math.min(t.since, at)
      if THIS_HOUR - at < 2 then t.lately = t.lately + many end
    else
      t.approvals = t.approvals + many
      if THIS_HOUR - at < 2 then t.approved_lately = t.approved_lately + many end
    end
  end
  return t
end

-- Whether, of at least so many starts that had time to end well, less than so many per cent did: lately, or in a day.
local function is_below(t, least, percent)
  local function low(starts, approvals)
    starts = math.max(starts - t.fresh, approvals)
    return starts >= least and approvals * 100 < starts * percent
  end
  return low(t.lately, t.approved_lately) or low(t.starts, t.approvals)
end

local function answer(verdict, wait, trial, which)
  return cjson.encode({verdict = verdict, wait = wait, trial = trial, stamp = NOW, which = which, news = news})
end

-- A refusal, or news of one that is only watched.
local function refuse(verdict, wait, which, enforced)
  if enforced then return answer(verdict, wait, false, which) end
  table.insert(news, 'would_refuse:' .. verdict .. ':' .. which)
end

local refusal

-- What a process tells, it tells once: before anything refuses.
if tonumber(ARGV[7]) > 0 then
  redis.call('HINCRBY', GUESSES, 'n' .. THIS_SLOT, ARGV[7])
  redis.call('HINCRBY', GUESSES, 'w' .. THIS_SLOT, ARGV[8])
  redis.call('PEXPIRE', GUESSES, HOUR + SLOT)
end

-- 1. Is anything sent at all, and to this number? What the operator closed has no end; what the brake closed has one,
--    and is open to a phone that asked for a message itself, and to one that the caller vouches for.
local IS_WELCOME, ENFORCED = ARGV[11] == '1' or redis.call('EXISTS', KEYS[12]) == 1, BRAKE.conversion_enforced
local paused = tonumber(redis.call('HGET', PAUSE, 'u') or 0)
if paused > NOW then return answer('paused', paused - NOW) end
for i = 4, 6 do
  local left = redis.call('PTTL', KEYS[i])
  if left == -1 then return answer('closed', 0) end
  if left >= 0 and not IS_WELCOME then refusal = refusal or refuse('closed', left, 0, ENFORCED) end
end
if refusal then return refusal end

-- 2. Budgets.
local is_open = true -- whether this address began something in the last hour that did not end, as far as that is known
for i = FIRST, LAST do
  local windows, enforced, kind = unpack(BUDGETS[i])
  local wait = 0
  for _, window in ipairs(windows) do
    local nth_last = redis.call('LINDEX', KEYS[i], -window[1])
    if nth_last then wait = math.max(wait, nth_last + window[2] - NOW) end
  end
  if kind == 'address' then
    is_open = false
    for _, ms in ipairs(redis.call('LRANGE', KEYS[i], 0, -1)) do
      is_open = is_open or ms + HOUR > NOW and ms + FRESH * SLOT <= NOW
    end
  end
  if wait > 0 and not (IS_WELCOME and kind == 'prefix') then
    refusal = refusal or refuse('budget_spent', wait, i - FIRST + 1, enforced)
  end
end
if refusal then return refusal end

-- 3. Money.
local price = tonumber(ARGV[3])
if BRAKE.spend > 0 and tonumber(redis.call('GET', MONEY) or 0) + price > BRAKE.spend then
  refusal = refuse('money_spent', DAY - NOW % DAY, 0, BRAKE.spend_enforced)
  if refusal then return refusal end
end

-- 4. Is somebody guessing one token on many numbers? They do not end what they begin: whoever does is let in.
if IS_START and is_open then
  local wrong, checks = 0, 0
  local entries = redis.call('HGETALL', GUESSES)
  for i = 1, #entries, 2 do
    if (THIS_SLOT - tonumber(string.sub(entries[i], 2))) * SLOT >= HOUR then
      redis.call('HDEL', GUESSES, entries[i])
    elseif string.sub(entries[i], 1, 1) == 'w' then
      wrong = wrong + entries[i + 1]
    else
      checks = checks + entries[i + 1]
    end
  end
  if wrong >= BRAKE.guesses and wrong * 2 > checks then
    refusal = refuse('guessing', SLOT, 0, BRAKE.guesses_enforced)
    if refusal then return refusal end
  end
end

-- 5. Do starts to this range, and to its country, end well? Are its numbers asked for one after the other?
--    What one place begins in a range counts once, and so does one number, until it ends well: neither one address nor
--    one number that is bombed can have a range closed.
local line = ARGV[5]
redis.call('ZREMRANGEBYSCORE', LINES, '-inf', NOW - DAY)
local HAS_PLACE = ARGV[9] == '1'
local is_new_place = HAS_PLACE and redis.call('EXISTS', PLACE) == 0
local function note_place()
  redis.call('RPUSH', PLACE, NOW)
  redis.call('LTRIM', PLACE, -2 * SHARE, -1)
  if is_new_place then redis.call('PEXPIRE', PLACE, DAY) end -- and then it counts again
end
if IS_START and not IS_WELCOME then
  local least, close, warn, few = BRAKE.least, BRAKE.close, BRAKE.warn, BRAKE.unfinished
  local function shut(wait)
    table.insert(news, (ENFORCED and 'closed:' or 'would_close:') .. 'prefix')
    if ENFORCED then
      wait = math.max(wait, BRAKE.closed_for)
      redis.call('SET', KEYS[5], ARGV[6], 'PX', wait)
      return answer('closed', wait)
    end
  end

  -- A country is never closed. While starts to one abroad end badly, a range of it in which somebody did not finish, and
  -- nobody did, has to wait. At home that would let a few strangers stop everybody.
  local country, range = tally(KEYS[8]), tally(KEYS[7])
  local ends_badly = ARGV[10] == '0' and is_below(country, few, warn)
  if is_below(country, least, warn) then table.insert(news, 'low_conversion:country') end
  if range.approvals == 0 and range.starts - range.fresh >= few or is_below(range, least, close) then
    refusal = shut((range.since + HOURS + 1) * HOUR - NOW)
  elseif range.approvals == 0 and range.starts > 0 and ends_badly then
    -- Whoever is refused comes to nothing too: while more keep coming, the country does not look any better.
    if ENFORCED and is_new_place then
      redis.call('HINCRBY', KEYS[8], 's' .. THIS_HOUR, 1)
      note_place()
    end
    refusal = refuse('closed', range.starts > range.fresh and HOUR or FRESH * SLOT, 0, ENFORCED)
  elseif is_below(range, least, warn) then
    table.insert(news, 'low_conversion:prefix')
  end
  if refusal then return refusal end

  local length = 1
  for _, step in ipairs({-1, 1}) do
    local neighbour = line + step
    while (redis.call('ZSCORE', LINES, neighbour) or -DAY) + BRAKE.span > NOW do
      length, neighbour = length + 1, neighbour + step
    end
  end
  if length >= BRAKE.sequence then
    refusal = shut(0)
    if refusal then return refusal end
  end
end

-- 6. Is the sender free?
local wait = 0
if BRAKE.step > 0 then
  local free = math.max(NOW, tonumber(redis.call('GET', FREE) or 0))
  wait = free - NOW
  if wait > BRAKE.queue then return answer('sender_full', wait - BRAKE.queue) end
  redis.call('SET', FREE, free + BRAKE.step, 'PX', math.ceil(wait + BRAKE.step))
end

-- Nothing refuses: spend everything.
local has_share = (redis.call('LINDEX', PLACE, -SHARE) or -HOUR) + HOUR > NOW
for i = FIRST, LAST do
  local windows, _, kind = unpack(BUDGETS[i])
  if kind ~= 'prefix' or not has_share then
    local most, longest = 0, 0
    for _, window in ipairs(windows) do
      most, longest = math.max(most, window[1]), math.max(longest, window[2])
    end
    redis.call('RPUSH', KEYS[i], NOW)
    redis.call('LTRIM', KEYS[i], -most, -1)
    redis.call('PEXPIRE', KEYS[i], longest)
  end
end
if price > 0 then
  redis.call('INCRBY', MONEY, price)
  redis.call('PEXPIRE', MONEY, DAY)
end
if IS_START then
  if (is_new_place or not HAS_PLACE) and not redis.call('ZSCORE', LINES, line) then
    for i = 7, 8 do
      redis.call('HINCRBY', KEYS[i], 's' .. THIS_HOUR, 1)
      redis.call('HINCRBY', KEYS[i], 'f' .. THIS_SLOT, 1)
      redis.call('PEXPIRE', KEYS[i], DAY + HOUR)
    end
    redis.call('ZADD', LINES, NOW, line)
    redis.call('PEXPIRE', LINES, DAY)
  end
  if HAS_PLACE then note_place() end
end

-- The pause is over: this one goes, and the others wait for what it finds.
if paused > 0 then redis.call('HSET', PAUSE, 'u', NOW + BRAKE.trial) end
redis.call('SET', ONCE, string.format('%d %d %d', wait, paused > 0 and 1 or 0, NOW), 'PX', 10000)
return answer('done', wait, paused > 0)
