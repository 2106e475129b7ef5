-- Sets the lock's time to live anew if it is still the owner's; never creates it.
--
--   KEYS  lock [, info]      ARGV  owner, ttl_ms, protocol      reply 1 | 0 | the new value under getset
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[3] == 'getset' then
  local time = redis.call('TIME')
  local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local held = math.floor((now_ms + tonumber(ARGV[2])) / 1000) + 1
  redis.call('SET', KEYS[1], string.format('%.0f', held), 'PX', string.format('%.0f', held * 1000 - now_ms))
  if KEYS[2] then
    redis.call('HSET', KEYS[2], 'owner', string.format('%.0f', held))
    redis.call('PEXPIRE', KEYS[2], string.format('%.0f', held * 1000 - now_ms))
  end
  return held
end
if KEYS[2] then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
