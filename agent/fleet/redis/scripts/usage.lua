-- Returns the count of the admit script, whether there is a pause, and when and why the last one was lifted.
--
--   KEYS  budget, pause, resume
--   reply {calls in the window, ms until the count is dropped (-2: there is none), 1 | 0,
--          ms that the resume is kept (-2: there is none), reason of the resume script, or ""}
-- needs: counting
local paused = redis.call('PTTL', KEYS[2]) ~= -2 and 1 or 0
local reason = redis.pcall('GET', KEYS[3])
if type(reason) ~= 'string' then reason = '' end
return {count_of(redis.call('HGET', KEYS[1], 'calls')) or 0, redis.call('PTTL', KEYS[1]), paused,
  redis.call('PTTL', KEYS[3]), string.sub(reason, 1, 64)}
