// SteppedTimers: real time that a test moves forward, so that a deadline comes when the test wants it and not while a
// busy machine is still preparing. One thread: the loop's.
#pragma once

#include <map>
#include <utility>

#include "agent/base/timers.hpp"

namespace jeton::test {

class SteppedTimers final : public agent::Timers {
 public:
  // The loop's timers outlive it.
  explicit SteppedTimers(agent::Timers& real) : real_(real), clock_(real.clock()) {}
  ~SteppedTimers() override {
    for (const auto& [id, timer] : pending_) real_.cancel(timer.real);
  }

  void step(agent::Duration by) {
    clock_.ahead += by;
    for (auto& [id, timer] : pending_) {
      real_.cancel(timer.real);
      arm(id, timer);
    }
  }

  [[nodiscard]] const agent::Clock& clock() const override { return clock_; }
  [[nodiscard]] agent::Executor executor() override { return real_.executor(); }
  Id schedule(agent::BootTime when, Callback callback) override {
    Timer& timer = pending_[++last_id_] = {when, std::move(callback), 0};
    arm(last_id_, timer);
    return last_id_;
  }
  bool cancel(Id id) override {
    const auto timer = pending_.find(id);
    if (timer == pending_.end()) return false;
    real_.cancel(timer->second.real);
    pending_.erase(timer);
    return true;
  }

 private:
  struct SteppedClock final : agent::Clock {
    explicit SteppedClock(const agent::Clock& r) : real(r) {}
    [[nodiscard]] agent::WallTime wall_now() const override {
      return real.wall_now() + std::chrono::duration_cast<agent::WallTime::duration>(ahead);
    }
    [[nodiscard]] agent::BootTime boot_now() const override { return real.boot_now() + ahead; }

    const agent::Clock& real;
    agent::Duration ahead{0};
  };
  struct Timer {
    agent::BootTime when;
    Callback callback;
    Id real;
  };

  void arm(Id id, Timer& timer) {
    timer.real = real_.schedule(timer.when - clock_.ahead, [this, id] {
      auto due = pending_.extract(id);
      due.mapped().callback();
    });
  }

  agent::Timers& real_;
  SteppedClock clock_;
  std::map<Id, Timer> pending_;
  Id last_id_ = 0;
};

}  // namespace jeton::test
