-- Lifts the pause; sends the message even if it is over, because agents wait a little longer than it lasts.
--
--   KEYS  pause, resume      ARGV  channel, resume message, reason, ms      reply 1
--
-- That and why it was lifted is kept for as long as a pause may last: a host that could not hear the message and finds no
-- pause must tell that from a data loss. A server that is out of memory still lifts the pause.
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
redis.pcall('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return 1
