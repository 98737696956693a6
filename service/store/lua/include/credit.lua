-- An approval: pumped verifications are never completed, so what was completed counts against nobody.
-- Needs APPROVED (string): approvals of the network within an hour.
-- @include unfinished

local function credit(times)
  remove_unfinished(times)
  if HAS_NETWORK then
    leave_range()
    if redis.call('INCR', APPROVED) == 1 then redis.call('PEXPIRE', APPROVED, HOUR) end
  end
  for _, tally in ipairs({RANGE, COUNTRY}) do
    redis.call('HINCRBY', tally, 'a' .. math.floor(NOW / HOUR), 1)
    redis.call('PEXPIRE', tally, DAY + HOUR)
  end
  if redis.call('PTTL', CLOSED_RANGE) > 0 then redis.call('DEL', CLOSED_RANGE) end
end
