--   KEYS  lock, info      ARGV  channel, release message      reply 1 | 0
local held = redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
if held == 1 then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return held
