-- For scripts that take a lock; needs the limits.
--
-- draw_fence() stores under `key` the fence of a lock that was just taken, and returns it. It is above the last one and
-- above `generation`, as far as these texts can be a fence, and not below the time in microseconds, so it rises also after
-- a counter expired or was lost. If the clock is behind, it counts on by 1, and by a random step of `owner` if that is
-- given. With `spare` the counter is set above the fence by so many: the lock's host may pass them on (lock_pass).
--
-- One SET stores the time and returns the last fence; a second one follows only where the time is not above that. A
-- server before Redis 6.2 refuses GET as an option. If the fence cannot be stored (the key is of another type), the lock
-- is released, and the result is nil and the error.
local function raised(fence, text, time, owner)
  local number = tonumber(text or '')
  if not number or not (number >= tonumber(fence)) or number >= fence_limit(time) then return fence end
  local step = owner and tonumber(string.sub(owner, 1, 4), 16) or 0
  return string.format('%.0f', math.floor(number) + 1 + step)
end
local function draw_fence(lock, key, ttl_ms, time, owner, generation, spare)
  local function counter(fence) return spare and string.format('%.0f', tonumber(fence) + tonumber(spare)) or fence end
  local fence = raised(time[1] .. string.sub('00000' .. time[2], -6), generation, time, owner)
  local last = redis.pcall('SET', key, counter(fence), 'PX', ttl_ms, 'GET')
  local refused = type(last) == 'table'
  if refused then last = redis.pcall('GET', key) end
  if type(last) ~= 'table' then
    local above = raised(fence, last, time, owner)
    if above == fence and not refused then return fence end
    last = redis.pcall('SET', key, counter(above), 'PX', ttl_ms)
    if not last.err then return above end
  end
  redis.call('DEL', lock)
  return nil, last
end
