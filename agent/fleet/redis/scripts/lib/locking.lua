-- For scripts that take a lock; needs the limits.
--
-- take() returns the reply that says who holds the lock: {"busy", ttl_ms (-1: for ever), first 64 bytes of the holder};
-- or nil, and it is taken, and its value under getset, else 0. next_fence() is above all texts it is given that can be
-- a fence, and not below the time in microseconds, so it rises also after a counter expired or was lost.
--
-- Protocol getset: clients that know no SET NX PX hold the lock by a value that is its end in unix seconds, without a
-- time to live. Here it is all one step, so the races of SETNX, GET and GETSET do not arise. A value that is no number
-- is busy, and so is a key with a time to live: that is a lock of the newer kind, not to be touched. Our own value gets
-- one too, up to its end, so that nothing is left behind when we die. Each value is later than the one it replaces, so
-- it names its owner.
local function take(key, owner, ttl_ms, protocol, time)
  if protocol ~= 'getset' then
    if redis.call('SET', key, owner, 'NX', 'PX', ttl_ms) then return nil, 0 end
    return {'busy', redis.call('PTTL', key), string.sub(redis.call('GET', key), 1, 64)}
  end
  local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local value = redis.call('GET', key)
  if value then
    local ttl = redis.call('PTTL', key)
    local holder = string.sub(value, 1, 64)
    if ttl ~= -1 then return {'busy', ttl, holder} end
    if not string.match(value, '^%d+$') then return {'busy', -1, holder} end
    local left = tonumber(value) * 1000 - now_ms
    if left > 0 then return {'busy', math.min(left, 9007199254740991), holder} end
  end
  local held = math.floor((now_ms + tonumber(ttl_ms)) / 1000) + 1
  redis.call('SET', key, string.format('%.0f', held), 'PX', string.format('%.0f', held * 1000 - now_ms))
  return nil, held
end
local function next_fence(time, ...)
  local fence = tonumber(time[1]) * 1000000 + tonumber(time[2])
  for _, text in ipairs({...}) do
    local number = tonumber(text or '')
    if number and number >= fence and number < fence_limit(time) then
      fence = math.floor(number) + 1
    end
  end
  return string.format('%.0f', fence)
end
