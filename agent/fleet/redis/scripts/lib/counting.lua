-- For scripts that count fetches.
--
-- kept_calls() returns from the hash under `key` the times of the last fetch and of the beginning of the window, in ms (nil:
-- not known), and the fetches in the window. A time in the future (the server's clock went back, or another program wrote it)
-- becomes now, and so does a missing beginning of a window. The new time is written: if every read took it for now, the
-- window would never end.
local function digits(number) return string.format('%.0f', number) end
local function count_of(text)
  local number = tonumber(text or '')
  if number and number >= 0 and number < 9007199254740992 then return number end
end
local function kept_calls(key, now)
  local kept = redis.call('HMGET', key, 'last_ms', 'window_start_ms', 'calls')
  local last, start, calls = count_of(kept[1]), count_of(kept[2]), count_of(kept[3]) or 0
  if last and last > now then
    last = now
    redis.call('HSET', key, 'last_ms', digits(now))
  end
  if start and start > now or calls > 0 and not start then
    start = now
    redis.call('HSET', key, 'window_start_ms', digits(now))
  end
  return last, start, calls
end
