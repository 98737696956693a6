-- check: count one check, and spend the token if it is the typed one. An approval gives back what its start spent.
-- The count comes before the look. The same nonce again costs nothing and is answered the same.
-- @include verification
local GUESSES, SOURCE_IN_RANGE, LINES, RANGE, COUNTRY, OF_ADDRESS, OF_NETWORK, OF_RANGE = unpack(KEYS, 7)
local NONCE, LINE = '=' .. ARGV[6], ARGV[7]
-- @include guesses
-- @include conversion

local before = redis.call('HGET', RECORD, NONCE)
if before == 'done' then return answer('repeated') end
if before then return answer('rejected', {checks = tonumber(before)}) end

local verdict = ended()
if verdict then return answer(verdict) end
local wait = wait_for_check()
if wait > 0 then return limited('checks_of_number', wait) end

-- The first write is one that a full server refuses, so that it refuses all of this.
local checks = redis.call('HINCRBY', RECORD, FIELD.checks, 1)
if end_token() then
  redis.call('HSET', RECORD, FIELD.status, 'a', FIELD.checks, checks - 1, NONCE, 'done')
  redis.call('DEL', CHECKS, ROW)
  enter_guess(false)
  if field('kind') ~= 'test' then
    -- Pumped verifications are never completed: what was completed does not count against its address and range.
    local stamp = field('begun')
    for _, spent in ipairs({OF_ADDRESS, OF_NETWORK, OF_RANGE}) do redis.call('LREM', spent, -1, stamp) end
    credit_conversion(stamp)
  end
  return answer('done')
end
enter(CHECKS, RULES.check_windows)
enter(ROW, RULES.row_windows)
enter_guess(true)
redis.call('HSET', RECORD, FIELD.status, checks >= RULES.checks and 'l' or 'p', NONCE, checks)
return answer('rejected')
