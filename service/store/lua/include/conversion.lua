-- What came of starts to a number range and to its country within a day.
-- Needs SOURCE_IN_RANGE, LINES, RANGE, COUNTRY, LINE.
--
-- RANGE, COUNTRY (hashes)   s and a, starts and approvals, by hour, and f, the starts, by slot of two minutes
-- LINES (sorted set)        lines of the range that were asked for within a day, unless it ended well
-- SOURCE_IN_RANGE (list)    when this address began something in this range, ms

local SLOT, HOURS = 120000, 24
local FRESH = 2 -- slots: who was texted within these is given time to type

-- A start that ended well gives evidence back, and is remembered.
local function credit_conversion(stamp)
  redis.call('LREM', SOURCE_IN_RANGE, -1, stamp)
  redis.call('ZREM', LINES, LINE)
  for _, tally in ipairs({RANGE, COUNTRY}) do
    redis.call('HINCRBY', tally, 'a' .. math.floor(NOW / HOUR), 1)
    redis.call('PEXPIRE', tally, DAY + HOUR)
  end
end

-- A start was not made after all.
local function refund_conversion(stamp)
  redis.call('LREM', SOURCE_IN_RANGE, -1, stamp)
  -- What stands there may be an earlier start of the same number.
  if redis.call('ZSCORE', LINES, LINE) ~= stamp then return end
  redis.call('ZREM', LINES, LINE)
  for _, tally in ipairs({RANGE, COUNTRY}) do
    for _, entry in ipairs({'s' .. math.floor(stamp / HOUR), 'f' .. math.floor(stamp / SLOT)}) do
      if redis.call('HEXISTS', tally, entry) == 1 then redis.call('HINCRBY', tally, entry, -1) end
    end
  end
end
