-- Replaces a record that no host can read by one of the same generation.
--
--   KEYS  token      ARGV  the record as it was read, new record      reply 1 | 0 (another record is stored by now)
-- needs: limits
if readable(redis.call('HGET', KEYS[1], 'record')) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
return 1
