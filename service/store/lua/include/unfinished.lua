-- Messages that no approval followed: whom they count against, and whom they say something about.
-- Needs NETWORK, UNFINISHED, RANGE, COUNTRY, CLOSED_RANGE, SUBJECTS (JSON, see `Subjects`).
--
-- NETWORK (list)       messages of a network within a day: "<ms><country><range><line><address>", 13 + 2 + 6 + 4 + 6
--                      characters; country, range and line are dashes once the carrier refused the message
-- UNFINISHED (list)    the same of everybody, or of one application: ms
-- RANGE (hash)         n<network> "<ms> <line>", the latest message of each network; a<hour> approvals; t the latest
--                      message that was let through while the range was closed, and z when it was closed last, ms;
--                      l its sealed label, for the operator
-- COUNTRY (hash)       s<hour>, f<slot of two minutes> networks that began something, each once a day; a<hour> approvals
-- @include clock

SUBJECTS = cjson.decode(SUBJECTS or '{"network":"","country":"","range":"","address":"","line":0}')
local SLOT = 120000
local HAS_NETWORK = SUBJECTS.network ~= ''
local ADDRESS = string.sub(SUBJECTS.address, 1, 6)
local RANGE_OF_ENTRY = SUBJECTS.country .. string.sub(SUBJECTS.range, 1, 6)
local REFUSED = string.rep('-', 12)
local ENTRY_OF_NETWORK = 'n' .. string.sub(SUBJECTS.network, 1, 8)

local function entry_of(ms) return string.format('%013d%s%04d%s', ms, RANGE_OF_ENTRY, SUBJECTS.line, ADDRESS) end
local function refused_entry_of(ms) return string.format('%013d%s%s', ms, REFUSED, ADDRESS) end

-- The network has no message to the range any more. A label without anything to count is not kept.
local function leave_range()
  redis.call('HDEL', RANGE, ENTRY_OF_NETWORK)
  if redis.call('HLEN', RANGE) == 1 then redis.call('HDEL', RANGE, 'l') end
end

-- These messages were followed by an approval.
local function remove_unfinished(times)
  for _, ms in ipairs(times) do
    if HAS_NETWORK and redis.call('LREM', NETWORK, -1, entry_of(ms)) == 0 then
      redis.call('LREM', NETWORK, -1, refused_entry_of(ms))
    end
    redis.call('LREM', UNFINISHED, -1, ms)
  end
end

-- This message was not sent. `is_refused`: by the carrier, so it still counts against its network, but says nothing of
-- the range and the country; what the network's other messages say of them stays.
local function remove_evidence(ms, is_refused)
  redis.call('LREM', UNFINISHED, -1, ms)
  if not HAS_NETWORK then return end
  if is_refused then redis.call('LINSERT', NETWORK, 'BEFORE', entry_of(ms), refused_entry_of(ms)) end
  if redis.call('LREM', NETWORK, -1, entry_of(ms)) == 0 then return end

  local latest, is_elsewhere
  for _, entry in ipairs(redis.call('LRANGE', NETWORK, 0, -1)) do
    if string.sub(entry, 1, 13) + DAY > NOW and string.sub(entry, 14, 15) == SUBJECTS.country then
      is_elsewhere = true
      if string.sub(entry, 14, 21) == RANGE_OF_ENTRY then latest = entry end
    end
  end
  if string.match(redis.call('HGET', RANGE, ENTRY_OF_NETWORK) or '', '^%d+') == string.format('%013d', ms) then
    if latest then
      redis.call('HSET', RANGE, ENTRY_OF_NETWORK,
        string.format('%s %d', string.sub(latest, 1, 13), string.sub(latest, 22, 25)))
    else
      leave_range()
    end
  end
  if is_elsewhere then return end
  for _, slot in ipairs({'s' .. math.floor(ms / HOUR), 'f' .. math.floor(ms / SLOT)}) do
    if tonumber(redis.call('HGET', COUNTRY, slot) or 0) > 0 then redis.call('HINCRBY', COUNTRY, slot, -1) end
  end
end
