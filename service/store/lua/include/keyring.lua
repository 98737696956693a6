-- Write nothing under another keyring than that of the store: its digests would count separately.
if redis.call('HGET', KEYRING, 'id') ~= KEYRING_ID then return cjson.encode({verdict = 'keyring_changed'}) end
