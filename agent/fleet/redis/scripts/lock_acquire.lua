--   KEYS  lock, fence, info
--   ARGV  owner, ttl_ms, fence_ttl_ms, protocol of the lock, by, metadata, spare fences
--   reply {"won", the lock's owner, fence} | {"busy", ttl_ms (-1: without an end), first 64 bytes of the holder [, note]}
--
-- An error leaves no lock: one whose fence or info cannot be stored is released. The info names its owner: another
-- client that takes the key afterwards does not clear it.
--
-- The counter is set above the fence by the spare ones, which are for the owners to whom this owner's host passes the lock
-- on (lock_pass). So the next acquisition draws above them all, whether the server has heard of these owners or not.
-- needs: limits fence lock_value note
local time = redis.call('TIME')
local owner, busy, value = take(KEYS[1], ARGV[1], ARGV[2], ARGV[4])
if busy then
  for _, part in ipairs(note(KEYS[3], value, time)) do busy[#busy + 1] = part end
  return busy
end
local fence, refused = draw_fence(KEYS[1], KEYS[2], ARGV[3], time, nil, nil, ARGV[7])
if refused then return refused end
local noted = write_note(KEYS[3], time, owner, fence, ARGV[5], ARGV[6])
if type(noted) == 'table' then
  redis.call('DEL', KEYS[1])
  return noted
end
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return {'won', owner, fence}
