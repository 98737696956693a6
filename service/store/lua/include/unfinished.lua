-- Messages that no approval followed: whom they count against, and whom they say something about.
-- Needs NETWORK, UNFINISHED, RANGE, COUNTRY, CLOSED_RANGE, SUBJECTS (JSON, see `Subjects`).
--
-- NETWORK (list)       messages of a network within a day: "<ms><country><range><address>", 13 + 2 + 6 + 6 characters
-- UNFINISHED (list)    the same of everybody, or of one application: ms
-- RANGE (hash)         n<network> "<ms> <line>", the latest message of each network; a<hour> approvals; t the latest
--                      message that was let through while the range was closed, and z when it was closed last, ms
-- COUNTRY (hash)       s<hour>, f<slot of two minutes> networks that began something, each once a day; a<hour> approvals
-- @include clock

SUBJECTS = cjson.decode(SUBJECTS or '{"network":"","country":"","range":"","address":""}')
local SLOT = 120000
local HAS_NETWORK = SUBJECTS.network ~= ''
local ENTRY_TAIL = SUBJECTS.country .. string.sub(SUBJECTS.range, 1, 6) .. string.sub(SUBJECTS.address, 1, 6)
local ENTRY_OF_NETWORK = 'n' .. string.sub(SUBJECTS.network, 1, 8)

local function entry_of(ms) return string.format('%013d%s', ms, ENTRY_TAIL) end

-- These messages were followed by an approval, or never sent.
local function remove_unfinished(times)
  for _, ms in ipairs(times) do
    if HAS_NETWORK then redis.call('LREM', NETWORK, -1, entry_of(ms)) end
    redis.call('LREM', UNFINISHED, -1, ms)
  end
end

-- This message was not sent. `is_kept`: it still counts against its network.
local function remove_evidence(ms, is_kept)
  redis.call('LREM', UNFINISHED, -1, ms)
  if not HAS_NETWORK then return end
  if not is_kept then redis.call('LREM', NETWORK, -1, entry_of(ms)) end
  if string.match(redis.call('HGET', RANGE, ENTRY_OF_NETWORK) or '', '^%d+') ~= string.format('%013d', ms) then return end
  redis.call('HDEL', RANGE, ENTRY_OF_NETWORK)
  for _, entry in ipairs({'s' .. math.floor(ms / HOUR), 'f' .. math.floor(ms / SLOT)}) do
    if tonumber(redis.call('HGET', COUNTRY, entry) or 0) > 0 then redis.call('HINCRBY', COUNTRY, entry, -1) end
  end
end
