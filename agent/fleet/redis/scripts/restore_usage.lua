-- Repairs a count after a data loss; never lowers one. Its expiry is set first, as in admit.
--
--   KEYS  budget      ARGV  calls, ms until the window ends, window_ms      reply 1 | 0 (as many are counted)
-- needs: counting
if (count_of(redis.call('HGET', KEYS[1], 'calls')) or 0) >= tonumber(ARGV[1]) then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local start = now + tonumber(ARGV[2]) - tonumber(ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[1], 'window_start_ms', digits(start), 'calls', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
