-- check: count one check, and spend the token if it is the typed one. An approval refunds what its messages spent.
-- It counts before it compares. The same nonce again costs nothing and gets the same answer.
-- @include verification
local GUESSES, GUESSED, NETWORK, UNFINISHED, RANGE, COUNTRY, CLOSED_RANGE, APPROVED = unpack(KEYS, 8)
local NONCE, SUBJECTS = '=' .. ARGV[7], ARGV[8]
-- @include guesses
-- @include credit

local before = redis.call('HGET', RECORD, NONCE)
if before == 'done' then return answer('repeated') end
if before then return answer('rejected', {checks = tonumber(before)}) end

local verdict = ended()
if verdict then return answer(verdict) end
local IS_TEST = field('kind') == 'test'
local wait = IS_TEST and 0 or wait_for_check(field('is_silent'))
if wait > 0 then return limited('checks_of_number', wait) end

-- The first write needs memory, so that a full server refuses the whole script.
local checks = redis.call('HINCRBY', RECORD, FIELD.checks, 1)
if end_token() then
  redis.call('HSET', RECORD, FIELD.status, 'a', FIELD.checks, checks - 1, NONCE, 'done')
  redis.call('DEL', ROW)
  redis.call('HDEL', NUMBER, 'c' .. BRIEF)
  if not IS_TEST then
    enter_guess(false)
    credit(sent_at())
  end
  local seconds = math.floor((NOW - field('begun')) / SECOND)
  enter_trail('a', MARK, seconds)
  count_approval(seconds)
  return answer('done')
end
if not IS_TEST then
  enter_wrong_check()
  enter_guess(true)
end
redis.call('HSET', RECORD, FIELD.status, checks >= RULES.checks and 'l' or 'p', NONCE, checks)
enter_trail('w', MARK, checks)
return answer('rejected')
