-- allow: spend the budgets that many numbers share. All or nothing: a refusal spends none.
-- KEYS  1 pause (hash: u until, ms; n how often in a row)  2 the sender's next free moment, ms (string)
--       3 money spent today (string)  4 to 6 the number, its prefix and its country, when they are closed (strings)
--       7 and 8 what came of starts to the prefix and to the country (hashes)  9 lines asked for lately (sorted set)
--       10 checks of all numbers (hash)   11… a list of ms for each budget   last: this request (string), so that the same
--       again spends nothing and is answered the same
-- ARGV  1 the caller's clock, ms  2 one message of the sender takes, ms (0: no rate)  3 the longest queue, ms
--       4 how long a trial keeps the others waiting, ms  5 price of the message  6 money a day (0: no limit)
--       7 1 when a wait for money is enforced  8 1 for a start, 0 for another message of one
--       9 the number's last four digits  10 the prefix, for people to read
--       11 conversion is enforced  12 its least sends  13 close below, %  14 warn below, %  15 close for, ms
--       16 country may be closed  17 numbers in a sequence  18 in so long, ms
--       19 checks since this process told last  20 wrong ones of them  21 wrong ones an hour  22 that is enforced
--       23… two for each budget: its windows "limit,ms;…", and 1 when it is enforced
-- Returns {verdict, wait in ms, 1 for a trial, now, which budget refuses (from 1; 0 none), news, …}. News are words for
-- the log: what would have been refused if it were enforced, what was closed, what looks wrong.

local PAUSE, FREE, MONEY, LINES, GUESSES = KEYS[1], KEYS[2], KEYS[3], KEYS[9], KEYS[10]
local STEP, QUEUE, TRIAL = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local IS_START = ARGV[8] == '1'
local HOUR, DAY, SLOT = 3600000, 86400000, 120000
local FRESH = 2 -- slots: who was texted within these is given time to type

local time = redis.call('TIME')
local NOW = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[1]))
local THIS_SLOT = math.floor(NOW / SLOT)

local news = {}

local ONCE, LAST = KEYS[#KEYS], #KEYS - 1
local before = redis.call('GET', ONCE)
if before then
  local wait, trial, stamp = string.match(before, '(%d+) (%d+) (%d+)')
  return {'done', tonumber(wait), tonumber(trial), tonumber(stamp), 0}
end

-- What fell into the slots of the last hour: the sums of two kinds of entries, the first without the freshest slots.
local function tally(key, late, all)
  local first, second = 0, 0
  local entries = redis.call('HGETALL', key)
  for i = 1, #entries, 2 do
    local kind, slot = string.sub(entries[i], 1, 1), tonumber(string.sub(entries[i], 2))
    if (THIS_SLOT - slot) * SLOT >= HOUR then
      redis.call('HDEL', key, entries[i])
    elseif kind == all then
      second = second + entries[i + 1]
    elseif kind == late and THIS_SLOT - slot >= FRESH then
      first = first + entries[i + 1]
    end
  end
  return first, second
end

local function count(key, kind, by)
  redis.call('HINCRBY', key, kind .. THIS_SLOT, by)
  redis.call('PEXPIRE', key, HOUR + SLOT)
end

local function answer(verdict, wait, trial, which)
  local reply = {verdict, wait, trial or 0, NOW, which or 0}
  for _, word in ipairs(news) do table.insert(reply, word) end
  return reply
end

-- A refusal, or news of one that is only watched.
local function refuse(verdict, wait, which, enforced)
  if enforced then return answer(verdict, wait, 0, which) end
  table.insert(news, 'would_refuse:' .. verdict .. ':' .. which)
end

local refusal

-- What a process tells, it tells once: before anything refuses.
if tonumber(ARGV[19]) > 0 then
  count(GUESSES, 'n', ARGV[19])
  count(GUESSES, 'w', ARGV[20])
end

-- 1. Is anything sent at all, and to this number?
local paused = tonumber(redis.call('HGET', PAUSE, 'u') or 0)
if paused > NOW then return answer('paused', paused - NOW) end
for i = 4, 6 do
  if redis.call('EXISTS', KEYS[i]) == 1 then return answer('closed', math.max(0, redis.call('PTTL', KEYS[i]))) end
end

-- 2. Budgets.
for i = 11, LAST do
  local windows, enforced, wait = ARGV[2 * i + 1], ARGV[2 * i + 2] == '1', 0
  for limit, span in string.gmatch(windows, '(%d+),(%d+)') do
    local nth_last = redis.call('LINDEX', KEYS[i], '-' .. limit)
    if nth_last then wait = math.max(wait, nth_last + span - NOW) end
  end
  if wait > 0 then refusal = refusal or refuse('budget_spent', wait, i - 10, enforced) end
end
if refusal then return refusal end

-- 3. Money.
local price, cap = tonumber(ARGV[5]), tonumber(ARGV[6])
if cap > 0 and tonumber(redis.call('GET', MONEY) or 0) + price > cap then
  refusal = refuse('money_spent', DAY - NOW % DAY, 0, ARGV[7] == '1')
  if refusal then return refusal end
end

-- 4. Is somebody guessing one token on many numbers?
if IS_START then
  local wrong, checks = 0, 0
  local entries = redis.call('HGETALL', GUESSES)
  for i = 1, #entries, 2 do
    local slot = tonumber(string.sub(entries[i], 2))
    if (THIS_SLOT - slot) * SLOT >= HOUR then
      redis.call('HDEL', GUESSES, entries[i])
    elseif string.sub(entries[i], 1, 1) == 'w' then
      wrong = wrong + entries[i + 1]
    else
      checks = checks + entries[i + 1]
    end
  end
  if wrong >= tonumber(ARGV[21]) and wrong * 2 > checks then
    refusal = refuse('guessing', SLOT, 0, ARGV[22] == '1')
    if refusal then return refusal end
  end

  -- 5. Do starts to this range, or this country, end well? Are its numbers asked for one after the other?
  local enforced, least, close, warn = ARGV[11] == '1', tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
  local function shut(key, label)
    table.insert(news, (enforced and 'closed:' or 'would_close:') .. label)
    if enforced then
      redis.call('SET', key, ARGV[10], 'PX', ARGV[15])
      return answer('closed', tonumber(ARGV[15]))
    end
  end
  for i, label in ipairs({'prefix', 'country'}) do
    local starts, approvals = tally(KEYS[6 + i], 's', 'a')
    if starts >= least and approvals * 100 < starts * close then
      if label == 'prefix' or ARGV[16] == '1' then
        refusal = refusal or shut(KEYS[4 + i], label)
      else
        table.insert(news, 'low_conversion:' .. label)
      end
    elseif starts >= least and approvals * 100 < starts * warn then
      table.insert(news, 'low_conversion:' .. label)
    end
  end
  if refusal then return refusal end

  local line, span = tonumber(ARGV[9]), tonumber(ARGV[18])
  redis.call('ZREMRANGEBYSCORE', LINES, '-inf', NOW - span)
  local length = 1
  for _, step in ipairs({-1, 1}) do
    local neighbour = line + step
    while redis.call('ZSCORE', LINES, neighbour) do
      length, neighbour = length + 1, neighbour + step
    end
  end
  if length >= tonumber(ARGV[17]) then
    refusal = shut(KEYS[5], 'prefix')
    if refusal then return refusal end
  end
end

-- 6. Is the sender free?
local wait = 0
if STEP > 0 then
  local free = math.max(NOW, tonumber(redis.call('GET', FREE) or 0))
  wait = free - NOW
  if wait > QUEUE then return answer('sender_full', wait - QUEUE) end
  redis.call('SET', FREE, free + STEP, 'PX', math.ceil(wait + STEP))
end

-- Nothing refuses: spend everything.
for i = 11, LAST do
  local most, longest = 0, 0
  for limit, span in string.gmatch(ARGV[2 * i + 1], '(%d+),(%d+)') do
    most, longest = math.max(most, tonumber(limit)), math.max(longest, tonumber(span))
  end
  redis.call('RPUSH', KEYS[i], NOW)
  redis.call('LTRIM', KEYS[i], -most, -1)
  redis.call('PEXPIRE', KEYS[i], longest)
end
if price > 0 then
  redis.call('INCRBY', MONEY, price)
  redis.call('PEXPIRE', MONEY, DAY)
end
if IS_START then
  count(KEYS[7], 's', 1)
  count(KEYS[8], 's', 1)
  redis.call('ZADD', LINES, 'NX', NOW, ARGV[9])
  redis.call('PEXPIRE', LINES, ARGV[18])
end

-- The pause is over: this one goes, and the others wait for what it finds.
if paused > 0 then redis.call('HSET', PAUSE, 'u', NOW + TRIAL) end
redis.call('SET', ONCE, string.format('%d %d %d', wait, paused > 0 and 1 or 0, NOW), 'PX', 10000)
return answer('done', wait, paused > 0 and 1 or 0)
