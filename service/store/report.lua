-- report: note what is known of the messages of a verification.
-- KEYS  6 the event (string), so that the same news again changes nothing
-- ARGV  5 delivery, its rank in front: news replaces what says less  6 "" or anything: whether the news has a name

local EVENT, NEWS, NAMED = KEYS[6], ARGV[5], ARGV[6] ~= ''

local known = redis.call('HMGET', RECORD, 's', 'd')
if not known[1] then return answer('gone') end
if NAMED and not redis.call('SET', EVENT, '', 'NX', 'PX', RULES.life) then return answer('repeated') end

local old, new = string.sub(known[2] or '0', 1, 1), string.sub(NEWS, 1, 1)
if new > old or new == old and old < '3' then
  redis.call('HSET', RECORD, 'd', NEWS)
end
return answer('done')
