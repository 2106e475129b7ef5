-- For scripts that take a lock; needs the limits.
--
-- draw_fence() stores under `key` the fence of a lock that was just taken, and returns it. It is above the last one and
-- above `generation`, as far as these texts can be a fence, and not below the time in microseconds, so it rises also after
-- a counter expired or was lost. If the clock is behind, it counts on by 1 + step.
--
-- One SET stores the time and returns the last fence; a second one follows only where the time is not above that. A
-- server before Redis 6.2 refuses GET as an option. If the fence cannot be stored (the key is of another type), the lock
-- is given back, and the result is nil and the error.
local function raised(fence, text, step, time)
  local number = tonumber(text or '')
  if number and number >= fence and number < fence_limit(time) then return math.floor(number) + 1 + step end
  return fence
end
local function draw_fence(lock, key, ttl_ms, time, step, generation)
  local fence = raised(tonumber(time[1]) * 1000000 + tonumber(time[2]), generation, step, time)
  local digits = string.format('%.0f', fence)
  local last = redis.pcall('SET', key, digits, 'PX', ttl_ms, 'GET')
  local refused = type(last) == 'table'
  if refused then last = redis.pcall('GET', key) end
  if type(last) ~= 'table' then
    local above = raised(fence, last, step, time)
    if above == fence and not refused then return digits end
    digits = string.format('%.0f', above)
    last = redis.pcall('SET', key, digits, 'PX', ttl_ms)
    if not last.err then return digits end
  end
  redis.call('DEL', lock)
  return nil, last
end
