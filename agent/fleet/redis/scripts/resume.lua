-- Lifts the pause; sends the message even if it is over, because agents wait a little longer than it lasts.
--
--   KEYS  pause      ARGV  channel, resume message      reply 1
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
