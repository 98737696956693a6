-- check: count one check, and spend the token if it is the typed one.
-- KEYS  2 the key that the typed token would have
-- ARGV  5 nonce
-- The count comes before the look. The same nonce again costs nothing and is answered the same.

local NONCE = '=' .. ARGV[5]

local before = redis.call('HGET', RECORD, NONCE)
if before == 'done' then return answer('repeated') end
if before then return answer('rejected', 0, {checks = tonumber(before)}) end

local verdict = ended()
if verdict then return answer(verdict) end
local wait = wait_for_check()
if wait > 0 then return answer('number_checks_spent', wait) end

-- The first write is one that a full server refuses, so that it refuses all of this.
local checks = redis.call('HINCRBY', RECORD, 'c', 1)
if end_token() then
  redis.call('HSET', RECORD, 's', 'a', 'c', checks - 1, NONCE, 'done')
  redis.call('DEL', CHECKS, ROW)
  return answer('done')
end
spend(CHECKS, RULES.check_windows)
spend(ROW, RULES.row_windows)
redis.call('HSET', RECORD, 's', checks >= RULES.checks and 'l' or 'p', NONCE, checks)
return answer('rejected')
