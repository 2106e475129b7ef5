--   KEYS  lock, info      ARGV  protocol
--   reply {} | {first 64 bytes of the holder, ttl_ms (-1: without an end) [, note]}
-- needs: lock_value note
local value = redis.call('GET', KEYS[1])
local ttl = ttl_of(KEYS[1], value, ARGV[1])
if not ttl then return {} end
local shown = {string.sub(value, 1, 64), ttl}
for _, part in ipairs(note(KEYS[2], value, redis.call('TIME'))) do shown[#shown + 1] = part end
return shown
