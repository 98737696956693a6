-- report: note what is known of the messages of a verification.
-- KEYS  6 the event (string), so that the same news again changes nothing
-- ARGV  12 delivery, its rank in front: news replaces what says less  13 "" or anything: whether the news has a name

local EVENT, NEWS, NAMED = KEYS[6], ARGV[12], ARGV[13] ~= ''

local known = redis.call('HMGET', RECORD, 's', 'd')
if not known[1] then return answer('gone') end
if NAMED and not redis.call('SET', EVENT, '', 'NX', 'PX', LIFE) then return answer('repeated') end

local old, new = string.sub(known[2] or '0', 1, 1), string.sub(NEWS, 1, 1)
if new > old or new == old and old < '3' then
  redis.call('HSET', RECORD, 'd', NEWS)
end
return answer('done')
