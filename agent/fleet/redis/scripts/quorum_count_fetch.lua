--   KEYS  updater, budget
--   ARGV  owner, window_age_ms, calls, keep_ms, window_ms, channel | "" (no message)
--   reply 1 | 0
--
-- The expiry of the count is set first, as in admit.
-- needs: counting
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local age = tonumber(ARGV[2])
local window = tonumber(ARGV[5])
local calls = tonumber(ARGV[3])
local _, start, known = kept_calls(KEYS[2], now)
if start and now - start < window and known >= calls then calls = known + 1 end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('HSET', KEYS[2], 'last_ms', digits(now), 'window_start_ms', digits(now - age), 'calls', digits(calls))
redis.call('PEXPIRE', KEYS[2], ARGV[4])
if ARGV[6] ~= '' then
  redis.call('PUBLISH', ARGV[6], '{"type":"usage","calls":' .. digits(calls) .. ',"ttl_ms":' ..
    digits(math.max(0, window - age)) .. '}')
end
return 1
