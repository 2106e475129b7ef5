// Real timers: a TimerQueue driven by one timerfd on CLOCK_BOOTTIME, so that a sleep counts the time a machine was
// suspended, and a second timerfd that fires when the wall clock is stepped.
#pragma once

#include <cstddef>
#include <memory>

#include "agent/base/timers.hpp"

namespace boost::asio {
class io_context;
}

namespace jeton::agent {

class BootTimers final : public Timers {
 public:
  // Both outlive the timers. Throws std::system_error if the kernel gives no timerfd.
  BootTimers(boost::asio::io_context& loop, const Clock& clock);
  ~BootTimers() override;

  [[nodiscard]] const Clock& clock() const override;
  [[nodiscard]] Executor executor() override;
  Id schedule(BootTime when, Callback callback) override;
  bool cancel(Id id) override;
  [[nodiscard]] std::size_t pending() const;

  // Calls back on the loop after each step of CLOCK_REALTIME (settimeofday, a big NTP correction). One callback.
  void on_clock_step(Callback callback);
  // Lets the loop run out of work: no timer fires any more.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
