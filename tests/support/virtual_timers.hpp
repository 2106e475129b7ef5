// Timers in virtual time: when nothing is left to do, the clock jumps to the next deadline.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>

#include "agent/base/timers.hpp"

namespace jeton::test {

class VirtualClock final : public agent::Clock {
 public:
  [[nodiscard]] agent::WallTime wall_now() const override {
    return agent::from_unix_ms(1'800'000'000'000) + agent::to_ms(now.time_since_epoch()) + wall_offset;
  }
  [[nodiscard]] agent::BootTime boot_now() const override { return now += a_look_takes; }

  mutable agent::BootTime now{std::chrono::hours(1)};
  agent::Duration a_look_takes{0};  // so that two looks differ, as with a real clock
  agent::Milliseconds wall_offset{0};
};

class VirtualTimers final : public agent::Timers {
 public:
  VirtualTimers();
  ~VirtualTimers() override;

  [[nodiscard]] const agent::Clock& clock() const override { return clock_; }
  [[nodiscard]] VirtualClock& virtual_clock() { return clock_; }
  [[nodiscard]] agent::Executor executor() override { return loop_.get_executor(); }
  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }
  Id schedule(agent::BootTime when, Callback callback) override;
  bool cancel(Id id) override;

  // Runs everything that happens up to `end`, or until the condition holds; true if it does.
  bool run_until(
      agent::BootTime end, const std::function<bool()>& condition = [] { return false; });
  void run_for(agent::Duration duration) { run_until(clock_.now + duration); }

 private:
  VirtualClock clock_;
  agent::TimerQueue queue_;
  boost::asio::io_context loop_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};  // of one thread: no locks
};

}  // namespace jeton::test
