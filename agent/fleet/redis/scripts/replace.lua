-- Replaces a record that this host cannot read by its own of the same generation, and notifies the fleet as a
-- publication does: a write without a message is a data loss to every host. Each would repair the record, and hosts with
-- different seal keys would do so against each other without a pause.
--
--   KEYS  token      ARGV  the record as it was read, new record, channel
--   reply 1 | 0 (another record is stored by now)
-- needs: limits
if readable(redis.call('HGET', KEYS[1], 'record')) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
redis.call('PUBLISH', ARGV[3], '{"type":"record","record":' .. ARGV[2] .. '}')
return 1
