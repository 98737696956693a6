-- opt: the phone itself says that it wants no messages, or wants them again; or the operator forgives the number.
-- KEYS  1 opted out (string)  2 wrong checks in a row (list)  3 the number (hash)  4 this news (string)
-- ARGV  1 out, in or forgive  2 how long out lasts, ms  3 "" or how long the news is known, ms
-- Whoever holds the phone asks for a message of their own: what strangers asked for and got wrong counts no more, and
-- whoever asks next is heard.

local WORD, NAMED = ARGV[1], ARGV[3] ~= ''

if NAMED and redis.call('EXISTS', KEYS[4]) == 1 then return end
if WORD == 'out' then
  redis.call('SET', KEYS[1], '', 'PX', ARGV[2])
else
  redis.call('DEL', KEYS[2])
  redis.call('HDEL', KEYS[3], 'r', 'w', 'e', 'k')
  if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('HSET', KEYS[3], 'h', '') end
  if WORD == 'in' then redis.call('DEL', KEYS[1]) end
end
if NAMED then redis.call('SET', KEYS[4], '', 'PX', ARGV[3]) end
