-- Stores a record if its generation is above the stored one, notifies the fleet, and releases the lock if this owner
-- still holds it.
--
--   KEYS  updater, token [, mirror]
--   ARGV  owner, generation, expires_at_ms, record (JSON), channel, release message, kept_until_ms
--         [, bare value]
--   reply {"stored"} | {"same" | "refused", record that is stored}
--
-- "same": a record of the same generation is there, ours from an attempt whose reply was lost. The token key holds the
-- generation beside the record, so that no script needs to parse it.
--
-- An impossible stored generation (see acquire) is no reason to refuse; the time decides, and is asked for only where the
-- stored one is not below ours. If a server refuses one of the commands (an ACL), it must not store a record without an
-- expiry, and it must notify the fleet of a stored record: so PEXPIREAT comes first, DEL last. A stored record has an
-- expiry, which is not changed before HSET has succeeded: a change of its expiry would make every host read it, and try
-- again, without a pause. tests/model/fence.pml is a model of this script, with acquire, admit and renew.
-- needs: limits
local owned = redis.call('GET', KEYS[1]) == ARGV[1]
local kept = redis.call('HMGET', KEYS[2], 'generation', 'record')
local stored = tonumber(kept[1] or '') or 0
local generation = tonumber(ARGV[2])
if not (stored < generation) and not (stored < fence_limit(redis.call('TIME'))) then stored = 0 end
if generation > stored then
  if not kept[1] then redis.call('PEXPIREAT', KEYS[2], ARGV[7]) end
  redis.call('HSET', KEYS[2], 'generation', ARGV[2], 'expires_at_ms', ARGV[3], 'record', ARGV[4])
  redis.call('PEXPIREAT', KEYS[2], ARGV[7])
  if KEYS[3] then
    redis.call('SET', KEYS[3], ARGV[8])
    redis.call('PEXPIREAT', KEYS[3], ARGV[3])
  end
  redis.call('PUBLISH', ARGV[5], '{"type":"record","record":' .. ARGV[4] .. '}')
  if owned then redis.call('DEL', KEYS[1]) end
  return {'stored'}
end
if owned then
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', ARGV[5], ARGV[6])
end
return {generation == stored and 'same' or 'refused', readable(kept[2])}
