// Timers: the only way to wait for time. Real ones are driven by a timerfd (boot_timers.hpp), virtual ones by a
// simulation. One thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"

namespace jeton::agent {

class Timers {
 public:
  using Id = std::uint64_t;
  using Callback = std::function<void()>;

  Timers() = default;
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;
  virtual ~Timers() = default;

  [[nodiscard]] virtual const Clock& clock() const = 0;
  [[nodiscard]] virtual Executor executor() = 0;

  // Calls `callback` once, on the loop, at or after `when`; never from inside schedule().
  virtual Id schedule(BootTime when, Callback callback) = 0;
  // True if the callback was still pending and will now not be called.
  virtual bool cancel(Id id) = 0;
};

// Resumes at `when`, at once if that is past. Throws system_error(operation_aborted) when the coroutine is cancelled.
Task<> sleep_until(Timers& timers, BootTime when);
Task<> sleep_for(Timers& timers, Duration duration);

}  // namespace jeton::agent
