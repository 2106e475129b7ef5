--   KEYS  lock, info      ARGV  protocol
--   reply {} | {first 64 bytes of the holder, ttl_ms (-1: for ever) [, note]}
-- needs: note
local value = redis.call('GET', KEYS[1])
if not value then return {} end
local ttl = redis.call('PTTL', KEYS[1])
local time = redis.call('TIME')
if ARGV[1] == 'getset' and ttl == -1 and string.match(value, '^%d+$') then
  ttl = tonumber(value) * 1000 - tonumber(time[1]) * 1000 - math.floor(tonumber(time[2]) / 1000)
  if ttl <= 0 then return {} end
end
local shown = {string.sub(value, 1, 64), math.min(ttl, 9007199254740991)}
for _, part in ipairs(note(KEYS[2], value, time)) do shown[#shown + 1] = part end
return shown
