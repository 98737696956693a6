-- opt: the phone texted STOP or START, or the operator forgives the number. START and forgiving clear the messages and
-- wrong checks of strangers, and the next start may send a message. Returns, to the operator, how many checks and
-- sources were cleared.
local KEYRING, OPTED_OUT, ROW, NUMBER, EVENT, TRAIL = unpack(KEYS) -- EVENT: this news (string)
local KEYRING_ID, CALLER_NOW, WORD, OUT_MS, EVENT_MS, WELCOME_MS = unpack(ARGV) -- EVENT_MS: "" when it has no name
-- @include keyring
-- @include clock
-- @include trail

if EVENT_MS ~= '' and redis.call('EXISTS', EVENT) == 1 then return end
if WORD == 'out' then
  redis.call('SET', OPTED_OUT, '', 'PX', OUT_MS)
  enter_trail('o')
else
  local sources, many = {}, 0
  local checks = redis.call('LLEN', ROW)
  redis.call('DEL', ROW)
  -- Messages within the hour still count, without their source, and the latest token can still be shared. All else is
  -- cleared.
  local hour = {}
  local fields = redis.call('HGETALL', NUMBER)
  for i = 1, #fields, 2 do
    local kind, source = string.sub(fields[i], 1, 1), string.sub(fields[i], 2)
    if (kind == 's' or kind == 'c' or kind == 'x') and source ~= '' and not sources[source] then
      sources[source], many = true, many + 1
    end
    if kind == 's' then
      for ms in string.gmatch(fields[i + 1], '%d+') do if ms + HOUR > NOW then table.insert(hour, ms) end end
    end
    if not string.find('qre', kind) then redis.call('HDEL', NUMBER, fields[i]) end
  end
  table.sort(hour)
  if #hour > 0 then redis.call('HSET', NUMBER, 's', table.concat(hour, ' ')) end
  redis.call('HSET', NUMBER, 'h', '', 'y', NOW + WELCOME_MS)
  if redis.call('PTTL', NUMBER) < tonumber(WELCOME_MS) then redis.call('PEXPIRE', NUMBER, WELCOME_MS) end
  if WORD == 'in' then redis.call('DEL', OPTED_OUT) end
  enter_trail(WORD == 'in' and 'i' or 'g')
  if WORD == 'forgive' then return {checks, many} end
end
if EVENT_MS ~= '' then redis.call('SET', EVENT, '', 'PX', EVENT_MS) end
