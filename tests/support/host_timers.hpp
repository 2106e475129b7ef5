// HostTimers: the time of one host in a simulation of several: the world's boot clock, a wall clock that can be stepped
// apart from those of the others, and a stop, like SIGSTOP to all processes of this host: callbacks that become due
// meanwhile are called in their order when the host goes on. One thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/base/timers.hpp"

namespace jeton::test {

class HostTimers final : public agent::Timers {
 public:
  // After its end the world's timers call no callback of it: no time passes after the end of a host.
  explicit HostTimers(agent::Timers& world) : world_(world), clock_(world.clock()) {}

  [[nodiscard]] const agent::Clock& clock() const override { return clock_; }
  [[nodiscard]] agent::Executor executor() override { return world_.executor(); }
  Id schedule(agent::BootTime when, Callback callback) override {
    const Id id = ++last_id_;
    ++scheduled_;
    Pending& pending = pending_[id];
    pending.callback = std::move(callback);
    pending.in_world = world_.schedule(when, [this, id] { become_due(id); });
    return id;
  }
  bool cancel(Id id) override {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return false;
    world_.cancel(found->second.in_world);
    pending_.erase(found);
    return true;
  }

  // How often something on this host has begun to wait, and how much waits now.
  [[nodiscard]] std::uint64_t scheduled() const { return scheduled_; }
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }

  // Sets the difference of its wall clock to the world's.
  void set_wall_offset(agent::Milliseconds offset) { clock_.offset = offset; }
  [[nodiscard]] agent::Milliseconds wall_offset() const { return clock_.offset; }

  void stop() { stopped_ = true; }
  void go_on() {
    stopped_ = false;
    for (const Id id : std::exchange(due_, {})) become_due(id);
  }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  struct HostClock final : agent::Clock {
    explicit HostClock(const agent::Clock& w) : world(w) {}
    [[nodiscard]] agent::WallTime wall_now() const override { return world.wall_now() + offset; }
    [[nodiscard]] agent::BootTime boot_now() const override { return world.boot_now(); }

    const agent::Clock& world;
    agent::Milliseconds offset{0};
  };
  struct Pending {
    Callback callback;
    Id in_world = 0;
  };

  void become_due(Id id) {
    if (stopped_) {
      due_.push_back(id);
      return;
    }
    auto due = pending_.extract(id);
    if (!due.empty()) due.mapped().callback();
  }

  agent::Timers& world_;
  HostClock clock_;
  std::unordered_map<Id, Pending> pending_;
  std::vector<Id> due_;  // while it is stopped
  Id last_id_ = 0;
  std::uint64_t scheduled_ = 0;
  bool stopped_ = false;
};

}  // namespace jeton::test
