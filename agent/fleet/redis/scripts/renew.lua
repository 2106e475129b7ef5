-- Sets the lock's TTL again if this owner still holds it; never creates it. tests/model/fence.pml is a model of it.
--
--   KEYS  lock [, info]      ARGV  owner, ttl_ms, protocol of the lock, fence      reply the lock's owner from now on | nil
--
-- Under getset each renewal changes the owner. If the answer of the last one was lost, the caller knows only the owner
-- before it; the fence in the info says that the lock is still the caller's.
--
-- The info is for people and for the next agent (when_agent_stops: keep), not for holding the lock: if it cannot be
-- written, the lock is renewed nevertheless.
-- needs: lock_value
local value = redis.call('GET', KEYS[1])
local held = value == ARGV[1]
if value and not held and KEYS[2] and ARGV[3] == 'getset' then
  local info = redis.pcall('HMGET', KEYS[2], 'owner', 'fence')
  held = info[1] == value and info[2] == ARGV[4]
end
if not held then
  return false
end
local owner, ttl_ms = keep(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
if KEYS[2] then
  if owner ~= ARGV[1] then redis.pcall('HSET', KEYS[2], 'owner', owner) end
  redis.pcall('PEXPIRE', KEYS[2], ttl_ms)
end
return owner
