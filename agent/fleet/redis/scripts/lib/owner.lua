-- For scripts about a lock that its host may have passed on (lock_pass): owner_of() returns the value of the lock if it is
-- the owner, ARGV[1], or one of the former owners, from ARGV[first] on; else nil.
local function owner_of(lock, first)
  local value = redis.call('GET', lock)
  if value == ARGV[1] then return value end
  for i = first, #ARGV do
    if value == ARGV[i] then return value end
  end
end
