-- Write nothing under another keyring than that of the store: whoever has an old one would count twice.
if redis.call('HGET', KEYRING, 'id') ~= KEYRING_ID then return cjson.encode({verdict = 'keyring_changed'}) end
