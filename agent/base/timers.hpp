// Timers: the only way to wait for time. Real ones are driven by a timerfd (boot_timers.hpp), virtual ones by a
// simulation. And bursts: coroutines that an Event resumed go on without a turn of the loop. One thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

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

  // Runs `step`, a part of a handler of the loop without a wait; then, before it returns, the coroutines that were
  // notified meanwhile go on, and those that these notify. Elsewhere each notified coroutine takes a turn of the loop,
  // which is a system call. So the caller must be ready for everything that other coroutines may do, as behind a
  // co_await. An exception of `step` is thrown behind them. A burst in a burst is a part of the outer one.
  void burst(const std::function<void()>& step);

 protected:
  friend class Event;
  [[nodiscard]] bool in_burst() const { return in_burst_; }
  void resume_in_burst(Callback resume) { resumed_.push_back(std::move(resume)); }

 private:
  bool in_burst_ = false;
  std::deque<Callback> resumed_;  // in this burst; they throw nothing
};

// Resumes at `when`, at once if that is past. Throws system_error(operation_aborted) when the coroutine is cancelled.
Task<> sleep_until(Timers& timers, BootTime when);
Task<> sleep_for(Timers& timers, Duration duration);

// The pending timers of one loop, earliest first; equal deadlines in order of scheduling. Knows no clock: its owner
// says what time it is.
class TimerQueue {
 public:
  Timers::Id add(BootTime when, Timers::Callback callback) {
    const Timers::Id id = ++last_id_;
    by_id_.emplace(id, pending_.emplace(Key{when, id}, std::move(callback)).first);
    return id;
  }

  bool remove(Timers::Id id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return false;
    pending_.erase(found->second);
    by_id_.erase(found);
    return true;
  }

  [[nodiscard]] std::size_t size() const { return pending_.size(); }
  [[nodiscard]] std::optional<BootTime> earliest() const {
    if (pending_.empty()) return std::nullopt;
    return pending_.begin()->first.first;
  }

  // Takes the earliest timer out if it is due at `now`; empty if none is.
  [[nodiscard]] Timers::Callback take_due(BootTime now) {
    if (pending_.empty() || pending_.begin()->first.first > now) return nullptr;
    auto node = pending_.extract(pending_.begin());
    by_id_.erase(node.key().second);
    return std::move(node.mapped());
  }

 private:
  using Key = std::pair<BootTime, Timers::Id>;
  using Pending = std::map<Key, Timers::Callback>;
  Pending pending_;
  std::unordered_map<Timers::Id, Pending::iterator> by_id_;
  Timers::Id last_id_ = 0;
};

}  // namespace jeton::agent
