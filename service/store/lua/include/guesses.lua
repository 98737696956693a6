-- Somebody may try one token on many numbers, which shows only in the sum of all.
-- Needs GUESSES (hash): n and w, checks and wrong ones, by slot of two minutes.
-- @include clock

local GUESS_SLOT = 120000

-- Fields that are over, of all hashes that were read: {key, field}. They go last, because a full server refuses a script
-- by its first write only if that is one that needs memory.
local stale = {}
local function forget_stale()
  for _, one in ipairs(stale) do redis.call('HDEL', one[1], one[2]) end
end

local function enter_guess(is_wrong)
  local slot = math.floor(NOW / GUESS_SLOT)
  redis.call('HINCRBY', GUESSES, 'n' .. slot, 1)
  if is_wrong then redis.call('HINCRBY', GUESSES, 'w' .. slot, 1) end
  redis.call('PEXPIRE', GUESSES, HOUR + GUESS_SLOT)
end

-- How many checks there were in an hour, and how many of them were wrong.
local function guesses()
  local checks, wrong, this_slot = 0, 0, math.floor(NOW / GUESS_SLOT)
  local entries = redis.call('HGETALL', GUESSES)
  for i = 1, #entries, 2 do
    if (this_slot - tonumber(string.sub(entries[i], 2))) * GUESS_SLOT >= HOUR then
      table.insert(stale, {GUESSES, entries[i]})
    elseif string.sub(entries[i], 1, 1) == 'w' then
      wrong = wrong + entries[i + 1]
    else
      checks = checks + entries[i + 1]
    end
  end
  return checks, wrong
end
