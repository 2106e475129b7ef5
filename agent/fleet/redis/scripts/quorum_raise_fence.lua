--   KEYS  lock, fence [, info]      ARGV  owner, last fence of the owner's, fence_ttl_ms, fence      reply 1 | 0
--
-- The last fence is that of the lease, or above it by the spare ones of an application's lock (lock_acquire).
--
-- The counter rises also if another owner holds the lock here: that does no harm, and the more servers have the fence,
-- the more of them may have a data loss. Only the answer depends on the owner.
-- tests/model/redlock.pml is a model of it.
-- needs: limits
local owned = redis.call('GET', KEYS[1]) == ARGV[1]
if owned and KEYS[3] and redis.call('HGET', KEYS[3], 'owner') then
  redis.call('HSET', KEYS[3], 'fence', ARGV[4])
end
local kept = tonumber(redis.call('GET', KEYS[2]) or '') or 0
if not (kept <= tonumber(ARGV[2])) and kept < fence_limit(redis.call('TIME')) then
  return 0
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return owned and 1 or 0
