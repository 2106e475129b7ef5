--   KEYS  lock, fence, info
--   ARGV  owner, ttl_ms, fence_ttl_ms, protocol of the lock, by, metadata, spare fences
--   reply {"won", the lock's owner, fence} | {"busy", ttl_ms (-1: without an end), first 64 bytes of the holder [, note]}
--
-- All keys are read before one is written, so a key of a wrong type is an error without a trace. The info names its
-- owner: another client that takes the key afterwards does not clear it.
--
-- The counter is set above the fence by the spare ones, which are for the owners to whom this owner's host passes the lock
-- on (lock_pass). So the next acquisition draws above them all, whether the server has heard of these owners or not.
-- needs: limits fence lock_value note
local last = redis.call('GET', KEYS[2])
redis.call('HGET', KEYS[3], 'owner')
local time = redis.call('TIME')
local owner, busy = take(KEYS[1], ARGV[1], ARGV[2], ARGV[4])
if busy then
  for _, part in ipairs(note(KEYS[3], redis.call('GET', KEYS[1]), time)) do busy[#busy + 1] = part end
  return busy
end
local digits = next_fence(time, 0, last)
redis.call('SET', KEYS[2], string.format('%.0f', tonumber(digits) + tonumber(ARGV[7])), 'PX', ARGV[3])
local taken_ms = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
redis.call('HSET', KEYS[3], 'owner', owner, 'fence', digits, 'by', ARGV[5], 'metadata', ARGV[6], 'taken_ms', taken_ms)
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return {'won', owner, digits}
