-- Gives the lock of a former owner to the owner to whom their host has passed it on. May come again, or late: it changes
-- nothing unless the lock is that host's, and never creates it. Where the owner has it already it only renews it. tests/model/lock_pass.pml is a model of it.
--
--   KEYS  lock, info      ARGV  owner, ttl_ms, fence, by, metadata, former owners...      reply 1 | 0 (another's, or free)
--
-- PEXPIRE comes first: a server without memory refuses a SET only if it is the first write of a script. The info is for
-- people: if it cannot be written, the lock is passed on nevertheless. No message: the lock is not free.
local value = redis.call('GET', KEYS[1])
local ours = value == ARGV[1]
for i = 6, #ARGV do ours = ours or value == ARGV[i] end
if not ours then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if value == ARGV[1] then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
  return 1
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
local taken_ms = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
redis.pcall('HSET', KEYS[2], 'owner', ARGV[1], 'fence', ARGV[3], 'by', ARGV[4], 'metadata', ARGV[5], 'taken_ms', taken_ms)
redis.pcall('PEXPIRE', KEYS[2], ARGV[2])
return 1
