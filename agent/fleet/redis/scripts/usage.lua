-- Returns the count of the admit script, and whether there is a pause.
--
--   KEYS  budget, pause      reply {calls in the window, ms until the count is dropped (-2: there is none), 1 | 0}
-- needs: counting
local paused = redis.call('PTTL', KEYS[2]) ~= -2 and 1 or 0
return {count_of(redis.call('HGET', KEYS[1], 'calls')) or 0, redis.call('PTTL', KEYS[1]), paused}
