-- charge: add to the money spent today what a message cost beyond its price.
local KEYRING, MONEY = unpack(KEYS) -- MONEY (string): millionths
local KEYRING_ID, AMOUNT, LIFE_MS = unpack(ARGV)
-- @include keyring

if redis.call('EXISTS', MONEY) == 1 then
  redis.call('INCRBY', MONEY, AMOUNT)
  redis.call('PEXPIRE', MONEY, LIFE_MS)
end
