-- Begins a pause, in which the fleet does not call the provider; never shortens a longer pause.
--
--   KEYS  pause      ARGV  pause message, ms, channel, the message for the channel      reply 1 | 0 (a longer one is
--         there)
local left = redis.call('PTTL', KEYS[1])
if left == -1 or left >= tonumber(ARGV[2]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
