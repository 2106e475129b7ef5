// HostTimers: the time of one host in a simulation of several: a boot clock that can run faster or slower than the
// world's, a wall clock that can be stepped apart from those of the others, and a stop, like SIGSTOP to all processes
// of this host: callbacks that become due meanwhile are called in their order when the host goes on. One thread: the
// loop's.
#pragma once

#include <algorithm>
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
    pending_[id] = {std::move(callback), when, schedule_in_world(id, when)};
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

  // Sets the difference of its wall clock to the world's at this moment.
  void set_wall_offset(agent::Milliseconds offset) { clock_.offset = offset - clock_.lead(); }
  // Both clocks run so many millionths faster than the world's from now on, as those of a host have one oscillator.
  void set_rate(std::int64_t millionths) {
    clock_.set_rate(millionths);
    std::vector<Id> moved;
    for (const auto& [id, pending] : pending_) {
      if (world_.cancel(pending.in_world)) moved.push_back(id);
    }
    std::sort(moved.begin(), moved.end());  // those of one moment keep their order
    for (const Id id : moved) pending_[id].in_world = schedule_in_world(id, pending_[id].when);
  }
  // A moment of its boot clock by that of the world, if its rate stays.
  [[nodiscard]] agent::BootTime in_world(agent::BootTime when) const { return clock_.in_world(when); }

  void stop() { stopped_ = true; }
  void go_on() {
    stopped_ = false;
    for (const Id id : std::exchange(due_, {})) become_due(id);
  }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  struct HostClock final : agent::Clock {
    explicit HostClock(const agent::Clock& w) : world(w), world_then(w.boot_now()), boot_then(world_then) {}
    [[nodiscard]] agent::WallTime wall_now() const override { return world.wall_now() + offset + lead(); }
    [[nodiscard]] agent::BootTime boot_now() const override {
      const agent::Duration passed = world.boot_now() - world_then;
      return boot_then + passed + passed / million * rate + passed % million * rate / million;
    }
    // Of the boot clock, in the milliseconds that the wall clocks have.
    [[nodiscard]] agent::Milliseconds lead() const {
      return agent::to_ms(boot_now().time_since_epoch()) - agent::to_ms(world.boot_now().time_since_epoch());
    }
    void set_rate(std::int64_t millionths) {
      boot_then = boot_now();
      world_then = world.boot_now();
      rate = millionths;
    }
    [[nodiscard]] agent::BootTime in_world(agent::BootTime when) const {
      const agent::Duration left = std::min(when - boot_now(), agent::Duration::max() / 2);  // also of "never"
      if (rate == 0) return world.boot_now() + left;
      const std::int64_t own_million = million + rate;
      const agent::Duration gained = left / own_million * rate + left % own_million * rate / own_million;
      return world.boot_now() + left - gained + agent::Duration(3);  // what the divisions may have cut off
    }

    static constexpr std::int64_t million = 1'000'000;
    const agent::Clock& world;
    agent::BootTime world_then;  // when the rate was set
    agent::BootTime boot_then;
    std::int64_t rate = 0;
    agent::Milliseconds offset{0};
  };
  struct Pending {
    Callback callback;
    agent::BootTime when;
    Id in_world = 0;
  };

  Id schedule_in_world(Id id, agent::BootTime when) {
    return world_.schedule(clock_.in_world(when), [this, id] { become_due(id); });
  }
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
