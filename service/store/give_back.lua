-- give_back: what the last allow spent, for a send that was not made.
-- KEYS  1 pause  2 the sender's next free moment, ms
-- ARGV  1 one message of the sender takes, ms

if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('DECRBY', KEYS[2], ARGV[1]) end
