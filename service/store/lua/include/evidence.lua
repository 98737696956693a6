-- Do starts to this range, and to its country, end well? Are its numbers asked for one after the other?
-- What one address begins in a range counts once a day, and so does one number, until it ends well: neither one address
-- nor one number that is bombed can have a range closed.
-- Needs what conversion.lua, guesses.lua and limits.lua need, CLOSED_RANGE, LABEL, HAS_SOURCE and IS_HOME.
-- @include conversion
-- @include guesses

local IS_NEW_SOURCE = HAS_SOURCE and redis.call('EXISTS', SOURCE_IN_RANGE) == 0

local function tally_of(key)
  local t = {starts = 0, approvals = 0, lately = 0, approved_lately = 0, fresh = 0, since = math.floor(NOW / HOUR)}
  local this_slot, this_hour = math.floor(NOW / SLOT), math.floor(NOW / HOUR)
  local entries = redis.call('HGETALL', key)
  for i = 1, #entries, 2 do
    local kind, at, many = string.sub(entries[i], 1, 1), tonumber(string.sub(entries[i], 2)), tonumber(entries[i + 1])
    if kind == 'f' and this_slot - at >= FRESH or kind ~= 'f' and this_hour - at > HOURS then
      table.insert(stale, {key, entries[i]})
    elseif kind == 'f' then
      t.fresh = t.fresh + many
    elseif kind == 's' then
      t.starts, t.since = t.starts + many, math.min(t.since, at)
      if this_hour - at < 2 then t.lately = t.lately + many end
    else
      t.approvals = t.approvals + many
      if this_hour - at < 2 then t.approved_lately = t.approved_lately + many end
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

local function enter_source()
  redis.call('RPUSH', SOURCE_IN_RANGE, NOW)
  redis.call('LTRIM', SOURCE_IN_RANGE, -2 * SHARE, -1)
  if IS_NEW_SOURCE then redis.call('PEXPIRE', SOURCE_IN_RANGE, DAY) end -- and then it counts again
end

-- Whether this address has had its share of the range's limit.
local function has_share() return (redis.call('LINDEX', SOURCE_IN_RANGE, -SHARE) or -HOUR) + HOUR > NOW end

local function close_range(wait)
  local enforced = SHARED.conversion_enforced
  tell(enforced and 'range_closed' or 'range_would_close')
  if not enforced then return end
  wait = math.max(wait, SHARED.closed_for)
  redis.call('SET', CLOSED_RANGE, LABEL, 'PX', wait)
  return {limit = 'closed', wait = wait}
end

local function is_in_sequence()
  local length = 1
  for _, step in ipairs({-1, 1}) do
    local neighbour = (LINE + step) % 10000
    while length < SHARED.sequence and (redis.call('ZSCORE', LINES, neighbour) or -DAY) + SHARED.span > NOW do
      length, neighbour = length + 1, (neighbour + step) % 10000
    end
  end
  return length >= SHARED.sequence
end

local function conversion_refusal()
  if IS_WELCOME then return end
  local country, range = tally_of(COUNTRY), tally_of(RANGE)
  if is_below(country, SHARED.least, SHARED.warn) then tell('country_low_conversion') end

  -- A country is never closed. While starts to one abroad end badly, a range of it in which somebody did not finish, and
  -- nobody did, has to wait. At home that would let a few strangers stop everybody.
  local ends_badly = not IS_HOME and is_below(country, SHARED.unfinished, SHARED.warn)
  local refusal
  if range.approvals == 0 and range.starts - range.fresh >= SHARED.unfinished or is_below(range, SHARED.least, SHARED.close)
  then
    refusal = close_range((range.since + HOURS + 1) * HOUR - NOW)
  elseif range.approvals == 0 and range.starts > 0 and ends_badly then
    -- Refused starts count as unfinished; otherwise refusing would improve the country's rate.
    if SHARED.conversion_enforced and IS_NEW_SOURCE then
      redis.call('HINCRBY', COUNTRY, 's' .. math.floor(NOW / HOUR), 1)
      enter_source()
    end
    refusal = refusal_of('closed', range.starts > range.fresh and HOUR or FRESH * SLOT, SHARED.conversion_enforced)
  elseif is_below(range, SHARED.least, SHARED.warn) then
    tell('range_low_conversion')
  end
  return refusal or is_in_sequence() and close_range(0) or nil
end

-- A start was made.
local function enter_start()
  local is_new_line = (redis.call('ZSCORE', LINES, LINE) or -DAY) + DAY <= NOW
  if (IS_NEW_SOURCE or not HAS_SOURCE) and is_new_line then
    for _, tally in ipairs({RANGE, COUNTRY}) do
      redis.call('HINCRBY', tally, 's' .. math.floor(NOW / HOUR), 1)
      redis.call('HINCRBY', tally, 'f' .. math.floor(NOW / SLOT), 1)
      redis.call('PEXPIRE', tally, DAY + HOUR)
    end
    redis.call('ZADD', LINES, NOW, LINE)
    redis.call('ZREMRANGEBYSCORE', LINES, '-inf', NOW - DAY)
    redis.call('PEXPIRE', LINES, DAY)
  end
  if HAS_SOURCE then enter_source() end
end
