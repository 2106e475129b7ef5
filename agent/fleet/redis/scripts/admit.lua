-- Decides whether the owner of the lock may call the provider now; counts the call if so, before it is made.
--
--   KEYS  updater, budget, token
--   ARGV  owner, min_interval_ms, budget (0: unlimited), window_ms, channel, known calls, ms that their window lasts,
--         stored generation in the reply of acquire
--   reply {"admitted", ms left of the window, calls in it} | {"min_interval" | "budget", wait_ms, calls} |
--         {"lost" | "changed", 0, 0}
--
-- "changed": a host that could not publish before has published since, which needs no lock. Its token may be valid.
-- tests/model/fence.pml is a model of the admission, without the counts.
--
-- A window begins with its first call. The calls that the caller knows of count as well: this server may have had a data
-- loss since. No caller waits longer than its own interval. The expiry of the count is set before the count: a server
-- that refuses it (an ACL without PEXPIRE) must not count calls that no host makes.
-- needs: counting limits
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {'lost', 0, 0}
end
if generation_text(redis.call('HMGET', KEYS[3], 'generation')[1]) ~= ARGV[8] then
  return {'changed', 0, 0}
end
local min_interval = tonumber(ARGV[2])
local budget = tonumber(ARGV[3])
local window = tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last, start, calls = kept_calls(KEYS[2], now)
start = start or now
if now - start >= window then
  start = now
  calls = 0
end
local known_left = math.min(tonumber(ARGV[7]), window)
if known_left > 0 and tonumber(ARGV[6]) > calls then
  calls = tonumber(ARGV[6])
  start = now + known_left - window
end
if last and now - last < min_interval then
  return {'min_interval', last + min_interval - now, calls}
end
if budget > 0 and calls >= budget then
  return {'budget', start + window - now, calls}
end
local kept_ms = digits(math.max(1, min_interval, start + window - now))
local expires = redis.call('PEXPIRE', KEYS[2], kept_ms) == 1
redis.call('HSET', KEYS[2], 'last_ms', digits(now), 'window_start_ms', digits(start), 'calls', digits(calls + 1))
if not expires then redis.call('PEXPIRE', KEYS[2], kept_ms) end
if budget > 0 then
  redis.call('PUBLISH', ARGV[5], '{"type":"usage","calls":' .. digits(calls + 1) .. ',"ttl_ms":' ..
    digits(math.max(0, start + window - now)) .. '}')
end
return {'admitted', math.max(0, start + window - now), calls + 1}
