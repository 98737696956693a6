-- envelope: put the sealed keyring in place of the one with this id, or add wraps to that one; return what is there.
local KEYRING = KEYS[1] -- hash: id, and a wrap for each secret that opens it
local HOW, ID = ARGV[1], ARGV[2] -- HOW: put or add; ID: "" for none

if (redis.call('HGET', KEYRING, 'id') or '') == ID then
  if HOW == 'put' then redis.call('DEL', KEYRING) end
  for i = 3, #ARGV, 2 do redis.call('HSET', KEYRING, ARGV[i], ARGV[i + 1]) end
end
return redis.call('HGETALL', KEYRING)
