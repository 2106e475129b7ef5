-- Fails with the error of a script if the key is of another type. Does not return its value, which may be of any size.
--
--   KEYS  key      ARGV  "hash" | "string"      reply 1
if ARGV[1] == 'hash' then redis.call('HGET', KEYS[1], '') else redis.call('GET', KEYS[1]) end
return 1
