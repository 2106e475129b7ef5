-- Gives the lock of a former owner to the owner to whom their host has passed it on. May come again, or late: it changes
-- nothing unless the lock is that host's, and never creates it. Where the owner has it already it only renews it.
-- tests/model/lock_pass.pml is a model of it.
--
--   KEYS  lock, info      ARGV  owner, ttl_ms, fence, by, metadata, former owners...      reply 1 | 0 (another's, or free)
--
-- PEXPIRE comes first: a server without memory refuses a SET only if it is the first write of a script. The info is for
-- people: if it cannot be written, the lock is passed on nevertheless. No message: the lock is not free.
-- needs: note owner
local value = owner_of(KEYS[1], 6)
if not value then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if value == ARGV[1] then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
  return 1
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
write_note(KEYS[2], redis.call('TIME'), ARGV[1], ARGV[3], ARGV[4], ARGV[5])
redis.pcall('PEXPIRE', KEYS[2], ARGV[2])
return 1
