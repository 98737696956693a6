-- A verification: its record, its token, and what is answered about them.
-- Needs KEYRING, RECORD, TOKEN, NUMBER, ROW, KEYRING_ID, CALLER_NOW, RULES, SOURCE, TOLD_APART and CLIENT, and what
-- events.lua needs besides.
--
-- RECORD (hash), each field by its letter in FIELD; =<nonce> is the answer to a request that may come again: of a check
-- 'done' or the count of wrong ones, of a resend its caller
-- TOKEN (string) empty: its name says it all

local FIELD = {
  status = 's', -- p pending, a approved, c canceled, l locked
  begun = 'b', -- ms
  expires = 'e', -- ms
  sends = 'n', -- how many, unless there was one only
  later_sends = 'l', -- "ms ms …", all but the first
  checks = 'c', -- wrong ones, if there are any
  delivery = 'd', -- its rank in front
  client = 'w', -- the application that it belongs to
  reference = 'x',
  locale = 'g',
  kind = 'y', -- of the number, unless it is a usual one
  shares = 'j', -- the seed of the token that it shares
  is_silent = 'i', -- no message was sent for it
  was_told = 'r', -- there when the same request came again, and was told of it
}
local function field(name) return redis.call('HGET', RECORD, FIELD[name]) end

local SENDS = RULES.sends_to[field('kind') or 'usual']
-- @include keyring
-- @include number
-- @include events

-- When its messages were sent, in ms, oldest first.
local function sent_at()
  local times = {}
  for ms in string.gmatch((field('begun') or '') .. ' ' .. (field('later_sends') or ''), '%d+') do
    table.insert(times, tonumber(ms))
  end
  return times
end

-- How long the verification itself asks to wait after its n-th send, in ms.
local function wait_after(sends, last)
  return math.max(0, last + RULES.waits[math.min(sends, #RULES.waits)] - NOW)
end

-- What a script returns (JSON): its verdict, what goes with it, our clock, and the record as far as it is there.
-- `more` goes before what would be said otherwise.
local function answer(verdict, more)
  local reply = {verdict = verdict, now = NOW}
  local F = FIELD
  local f = redis.call('HMGET', RECORD, F.status, F.begun, F.expires, F.sends, F.later_sends, F.checks, F.delivery,
    F.reference, F.locale, F.is_silent)
  if f[1] then
    local sends, last = tonumber(f[4] or 1), string.match(f[5] or f[2], '%d+$')
    reply.status, reply.begun, reply.expires, reply.sends = f[1], tonumber(f[2]), tonumber(f[3]), sends
    reply.checks, reply.delivery = tonumber(f[6] or 0), f[7] or nil
    reply.reference, reply.locale, reply.silent = f[8] or nil, f[9] or nil, f[10] and true or nil
    reply.next_send = f[1] == 'p' and math.max(wait_after(sends, last), wait_for_send()) or 0
  end
  for name, value in pairs(more or {}) do reply[name] = value end
  tell_refusal(verdict, more)
  return cjson.encode(reply)
end

local function limited(limit, wait, more)
  local told = more or {}
  told.limit, told.wait = limit, wait
  return answer('limited', told)
end

-- The verdict on a record that is not open to checks and sends, or nil when it is.
local function ended()
  local f = redis.call('HMGET', RECORD, FIELD.status, FIELD.expires)
  if f[1] == 'a' then return 'approved' end
  if f[1] == 'l' then return 'locked' end
  if f[1] ~= 'p' or NOW >= tonumber(f[2]) then return 'gone' end
end

-- Spend the token, if it is there: nobody else may share it either.
local function end_token()
  if redis.call('DEL', TOKEN) == 0 then return false end
  forget_latest()
  return true
end

-- The verification of somebody else is none. A page asks for nobody: its cookie says which one is its own.
if CLIENT ~= '' and redis.call('EXISTS', RECORD) == 1 and field('client') ~= CLIENT then
  return cjson.encode({verdict = 'gone', now = NOW})
end
