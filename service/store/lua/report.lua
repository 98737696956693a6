-- report: note what is known of the messages of a verification.
-- @include verification
local EVENT = KEYS[6] -- string, so that the same news again changes nothing
local NEWS, IS_NAMED = ARGV[6], ARGV[7] ~= '' -- delivery, its rank in front: news replaces what says less

if not field('status') then return answer('gone') end
if IS_NAMED and not redis.call('SET', EVENT, '', 'NX', 'PX', RULES.life) then return answer('repeated') end

local old, new = string.sub(field('delivery') or '0', 1, 1), string.sub(NEWS, 1, 1)
if new > old or new == old and old < '3' then redis.call('HSET', RECORD, FIELD.delivery, NEWS) end
return answer('done')
