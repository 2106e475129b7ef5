-- Sets the lock's TTL again if this owner still holds it; never creates it. tests/model/fence.pml is a model of it.
--
--   KEYS  lock [, info]      ARGV  owner, ttl_ms, protocol of the lock      reply the lock's owner from now on | nil
--
-- The info is for people and for the next agent (when_agent_stops: keep), not for holding the lock: if it cannot be
-- written, the lock is renewed nevertheless.
-- needs: lock_value
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local owner, ttl_ms = keep(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
if KEYS[2] then
  if owner ~= ARGV[1] then redis.pcall('HSET', KEYS[2], 'owner', owner) end
  redis.pcall('PEXPIRE', KEYS[2], ttl_ms)
end
return owner
