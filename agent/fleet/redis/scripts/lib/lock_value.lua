-- The key of a lock, for each protocol; no other place knows them.
--
--   set_nx   SET NX PX; the value is the owner.
--   getset   For clients without SET NX PX: the value is the expiry in unix seconds, and the key has no TTL. Each
--            function is one step on the server, so the races of SETNX, GET and GETSET do not arise. A value that is no
--            number is busy, and so is a key with a TTL: that is a lock of the newer kind and must not be changed. Our
--            own key gets a TTL up to its expiry, so that it does not stay when we die. The value is the owner: two
--            clients that take the lock in the same second for the same time have the same owner.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Under getset: the owner and the TTL of a lock that is held from now on.
local function second_after(ttl_ms)
  local now = now_ms()
  local last = math.floor((now + tonumber(ttl_ms)) / 1000) + 1
  return string.format('%.0f', last), string.format('%.0f', last * 1000 - now)
end

-- The TTL in ms of a lock with this value. nil: it is free; -1: for ever.
local function ttl_of(key, value, protocol)
  if not value then return nil end
  local ttl = redis.call('PTTL', key)
  if protocol ~= 'getset' or ttl ~= -1 or not string.match(value, '^%d+$') then return ttl end
  local left = tonumber(value) * 1000 - now_ms()
  if left <= 0 then return nil end
  return math.min(left, 9007199254740991)
end

-- Takes a free lock. Returns its owner; or nil, the reply that says who holds it: {"busy", ttl_ms (-1: without an end),
-- first 64 bytes of the holder}, and the holder. Under set_nx it writes first: a server that refuses writes says so also
-- of a lock that is held. Its holder can neither publish nor release it then, and the others must not wait for that.
local function take(key, owner, ttl_ms, protocol)
  if protocol ~= 'getset' and redis.call('SET', key, owner, 'NX', 'PX', ttl_ms) then return owner end
  local value = redis.call('GET', key)
  local ttl = ttl_of(key, value, protocol)
  if ttl then return nil, {'busy', ttl, string.sub(value, 1, 64)}, value end
  owner, ttl_ms = second_after(ttl_ms)
  redis.call('SET', key, owner, 'PX', ttl_ms)
  return owner
end

-- Renews a lock that this owner holds. Returns the lock's owner and TTL from now on. PEXPIRE comes first: a
-- server without memory refuses a SET only if it is the first write of a script.
local function keep(key, owner, ttl_ms, protocol)
  if protocol == 'getset' then owner, ttl_ms = second_after(ttl_ms) end
  redis.call('PEXPIRE', key, ttl_ms)
  if protocol == 'getset' then redis.call('SET', key, owner, 'PX', ttl_ms) end
  return owner, ttl_ms
end
