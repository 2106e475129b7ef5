-- For scripts that take a lock; needs the limits.
--
-- next_fence() is above all given texts that can be a fence, and not below the time in microseconds, so it rises also
-- after a counter expired or was lost. If the clock is behind, it counts on by 1 + step.
local function next_fence(time, step, ...)
  local fence = tonumber(time[1]) * 1000000 + tonumber(time[2])
  for _, text in ipairs({...}) do
    local number = tonumber(text or '')
    if number and number >= fence and number < fence_limit(time) then
      fence = math.floor(number) + 1 + step
    end
  end
  return string.format('%.0f', fence)
end
