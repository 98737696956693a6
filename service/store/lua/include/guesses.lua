-- Guessing one token at many numbers shows only in the sum of all checks. Only compared checks count, and of one network
-- or application no more than a usual amount; so it takes many of them to reach the limit.
-- Needs GUESSES (hash): r and w, right and wrong checks, by slot of two minutes, and GUESSED (string): wrong checks of
-- this network or application within an hour.
-- @include clock

local GUESS_SLOT, GUESSED_MAX = 120000, 15 -- default, ours: as many as one source may get wrong in a day at one number
local GUESSING_MIN = 6 -- default, ours: a person who mistypes a whole verification's checks is not guessing

local function enter_guess(is_wrong)
  if is_wrong then
    local many = redis.call('INCR', GUESSED)
    if many == 1 then redis.call('PEXPIRE', GUESSED, HOUR) end
    if many > GUESSED_MAX then return end
  end
  local slot = math.floor(NOW / GUESS_SLOT)
  redis.call('HINCRBY', GUESSES, (is_wrong and 'w' or 'r') .. slot, 1)
  redis.call('PEXPIRE', GUESSES, HOUR + GUESS_SLOT)
end

-- How many checks were right in an hour, and how many were wrong.
local function guesses()
  local right, wrong, this_slot = 0, 0, math.floor(NOW / GUESS_SLOT)
  local entries = redis.call('HGETALL', GUESSES)
  for i = 1, #entries, 2 do
    if (this_slot - tonumber(string.sub(entries[i], 2))) * GUESS_SLOT >= HOUR then
      table.insert(stale, {GUESSES, entries[i]})
    elseif string.sub(entries[i], 1, 1) == 'w' then
      wrong = wrong + entries[i + 1]
    else
      right = right + entries[i + 1]
    end
  end
  return right, wrong
end
