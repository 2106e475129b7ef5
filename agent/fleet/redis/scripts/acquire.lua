-- Takes the updater lock and draws its fence, unless the fleet pauses. tests/model/fence.pml is a model of it.
--
--   KEYS  updater, token, fence, pause
--   ARGV  owner, ttl_ms, fence_ttl_ms, channel, claim message, protocol of the lock
--   reply {"won", the lock's owner, fence, record | nil, stored generation as text for admit}
--         {"busy", ttl_ms of the holder (-1: without an end), first 64 bytes of the holder, record | nil}
--         {"paused", ttl_ms of the pause (-1: without an end), first 4096 bytes of the reason, record | nil}
--
-- The fence is above the last one and above the generation of the stored record. An error leaves no lock: token and
-- pause are read before the lock is taken, and a lock whose fence cannot be stored is released.
--
-- If the server's clock is behind, the fence counts on by a random step of the owner, up to 65 ms. A fence that was
-- counted by 1 and then lost in a data loss would be counted again for another owner: two tokens of one generation.
-- needs: limits fence lock_value
local stored = redis.call('HMGET', KEYS[2], 'generation', 'record')
local record = readable(stored[2])
local reason = redis.call('GET', KEYS[4])
if reason then
  return {'paused', redis.call('PTTL', KEYS[4]), string.sub(reason, 1, 4096), record}
end
local time = redis.call('TIME')
local owner, busy = take(KEYS[1], ARGV[1], ARGV[2], ARGV[6])
if busy then
  busy[4] = record
  return busy
end
local fence, refused = draw_fence(KEYS[1], KEYS[3], ARGV[3], time, ARGV[1], stored[1])
if refused then return refused end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return {'won', owner, fence, record, generation_text(stored[1])}
