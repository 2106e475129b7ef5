// Timers in virtual time: when nothing is left to do, the clock jumps to the next deadline.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>

#include "agent/base/timer_queue.hpp"
#include "agent/base/timers.hpp"

namespace jeton::sim {

using namespace jeton::agent;

class VirtualClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall_now() const override {
    return WallTime{Milliseconds{1'800'000'000'000}} + to_ms(now.time_since_epoch()) + wall_offset;
  }
  [[nodiscard]] BootTime boot_now() const override { return now; }

  BootTime now{std::chrono::hours(1)};
  Milliseconds wall_offset{0};
};

class VirtualTimers final : public Timers {
 public:
  [[nodiscard]] const Clock& clock() const override { return clock_; }
  [[nodiscard]] VirtualClock& virtual_clock() { return clock_; }
  [[nodiscard]] Executor executor() override { return loop_.get_executor(); }
  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }
  Id schedule(BootTime when, Callback callback) override { return queue_.add(when, std::move(callback)); }
  bool cancel(Id id) override { return queue_.remove(id); }

  // Runs everything that happens up to `end`, or until the condition holds; true if it does.
  bool run_until(
      BootTime end, const std::function<bool()>& condition = [] { return false; }) {
    for (;;) {
      loop_.restart();
      loop_.poll();
      if (condition()) return true;
      const auto next = queue_.earliest();
      if (!next || *next > end) break;
      clock_.now = std::max(clock_.now, *next);
      while (const Callback callback = queue_.take_due(clock_.now)) callback();
    }
    clock_.now = std::max(clock_.now, end);
    return condition();
  }
  void run_for(Duration duration) { run_until(clock_.now + duration); }

 private:
  VirtualClock clock_;
  TimerQueue queue_;
  boost::asio::io_context loop_{1};
};

}  // namespace jeton::sim
