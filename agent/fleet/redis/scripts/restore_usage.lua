-- Repairs a count after a data loss; never lowers one. Its expiry is set first, as in admit; the time of the last fetch
-- is kept for min_interval, as there: a host may have called between the loss and the repair.
--
--   KEYS  budget
--   ARGV  calls, ms until the window ends, window_ms, min_interval_ms
--   reply 1 | 0 (as many are counted)
-- needs: counting
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last, _, calls = kept_calls(KEYS[1], now)
if calls >= tonumber(ARGV[1]) then return 0 end
local start = now + tonumber(ARGV[2]) - tonumber(ARGV[3])
local kept_ms = digits(math.max(tonumber(ARGV[2]), last and last + tonumber(ARGV[4]) - now or 0))
redis.call('PEXPIRE', KEYS[1], kept_ms)
redis.call('HSET', KEYS[1], 'window_start_ms', digits(start), 'calls', ARGV[1])
redis.call('PEXPIRE', KEYS[1], kept_ms)
return 1
