-- Sliding windows. A window {n, ms} is full while the n-th last entry is younger than the window is long.
-- @include clock

-- How long until one more fits into every window, in ms; 0 when it fits now.
local function wait_in(nth_last, windows)
  local wait = 0
  for _, window in ipairs(windows) do
    local entry = nth_last(window[1])
    if entry then wait = math.max(wait, entry + window[2] - NOW) end
  end
  return wait
end

-- The same, of a list of times in ms.
local function wait_for_room(list, windows)
  return wait_in(function(n) return redis.call('LINDEX', list, -n) end, windows)
end

-- Enter one: the list keeps what its largest window needs, for as long as its longest needs it.
local function enter(list, windows)
  local most, longest = 0, 0
  for _, window in ipairs(windows) do
    most, longest = math.max(most, window[1]), math.max(longest, window[2])
  end
  if most == 0 then return end
  redis.call('RPUSH', list, NOW)
  redis.call('LTRIM', list, -most, -1)
  redis.call('PEXPIRE', list, longest)
end
