-- For scripts that compare fences or return a record. fence_room and record_limit are constants of redis_scripts.cpp.
--
-- readable() cuts a record that is longer than any of ours: then it cannot be read, but the reply does not end the
-- connection, which all tokens share. generation_text() is what the field has, also if it is no number.
local function fence_limit(time) return tonumber(time[1]) * 1000000 + fence_room end
local function readable(record)
  if record and #record > record_limit then return string.sub(record, 1, 64) end
  return record
end
local function generation_text(field) return string.sub(field or '', 1, 32) end
