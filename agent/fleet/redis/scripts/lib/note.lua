-- For scripts that note or say who holds a lock: write_note() writes the note, and returns the reply or error of the
-- server; note() returns {fence, by, metadata, age in ms (-1: not
-- known)} of the value that the lock has, or nothing if another client has written beside it.
local function note(info_key, value, time)
  local info = redis.call('HMGET', info_key, 'owner', 'fence', 'by', 'metadata', 'taken_ms')
  if not value or info[1] ~= value then return {} end
  local age = -1
  if info[5] and #info[5] <= 15 and string.match(info[5], '^%d+$') then
    local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
    age = math.max(0, now_ms - tonumber(info[5]))
  end
  local function short(text) return string.sub(text or '', 1, 4096) end
  return {short(info[2]), short(info[3]), short(info[4]), age}
end
local function write_note(info_key, time, owner, fence, by, metadata)
  local taken_ms = time[1] .. string.sub('00000' .. time[2], -6, -4)
  return redis.pcall('HSET', info_key, 'owner', owner, 'fence', fence, 'by', by, 'metadata', metadata, 'taken_ms', taken_ms)
end
