-- Deletes the lock if this owner still holds it, and notifies the waiters. tests/model/fence.pml is a model of it.
--
--   KEYS  lock [, info]      ARGV  owner, channel, release message      reply 1 | 0
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', unpack(KEYS))
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
