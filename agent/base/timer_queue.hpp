// The pending timers of one loop, earliest first; equal deadlines in order of scheduling. Knows no clock: its owner
// says what time it is. Shared by the real timers and the virtual ones of the simulation.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "agent/base/timers.hpp"

namespace jeton::agent {

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
