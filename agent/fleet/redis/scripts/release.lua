-- Deletes the lock if this owner still holds it, and notifies the waiters. tests/model/fence.pml is a model of it.
--
--   KEYS  lock [, info]      ARGV  owner, channel, release message [, former owners...]      reply 1 | 0
--
-- A former owner: its host has passed the lock on to this one, and the server may not have heard of that (lock_pass).
-- needs: owner
if not owner_of(KEYS[1], 4) then return 0 end
redis.call('DEL', unpack(KEYS))
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
