--   KEYS  updater, budget      ARGV  owner      reply {1, last_age_ms | -1, window_age_ms | -1, calls} | {0}
--
-- The hash is the one that the admit script writes.
-- needs: counting
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {0}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last, start, calls = kept_calls(KEYS[2], now)
return {1, last and now - last or -1, start and now - start or -1, calls}
