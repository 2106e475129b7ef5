// LockQueue::Place: a waiter's place in the queue of a lock, from arrival to departure. It knows whether the lock may
// be passed on to the waiter: by the last news of the lock, and whether it awaits an answer of the store. Part
// of lock_queue.cpp. One thread: the loop's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "agent/locks/lock_queue.hpp"

namespace jeton::agent {

class LockQueue::Place {
 public:
  // Claim and waiter outlive it.
  Place(LockQueue& queues, const LockId& id, const AcquireRequest& acquire, Waiter& waiter)
      : queues_(queues),
        alive_(queues.alive_),
        id_(id),
        acquire_(acquire),
        queue_(queues.queues_[id.name]),
        waiter_(waiter),
        arrived_at_(queues.now()) {
    queue_.waiters.push_back(this);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (alive_.expired()) return;
    const bool was_first = is_first();
    queue_.waiters.remove(this);
    if (was_first && !queue_.waiters.empty()) queue_.waiters.front()->wake();
    queues_.leave(id_, queue_);
  }

  [[nodiscard]] bool is_first() const { return queue_.waiters.front() == this; }
  Queue& queue() { return queue_; }
  [[nodiscard]] Waiter& waiter() { return waiter_; }
  [[nodiscard]] const LockId& id() const { return id_; }
  [[nodiscard]] const AcquireRequest& acquire() const { return acquire_; }
  void wake() { waiter_.wake.notify(); }

  // Between two questions to the store. Only then can the lock be passed on to the waiter: an answer that is awaited
  // could grant it, too.
  Task<bool> rest_until(BootTime until) {
    resting_ = true;
    const bool woken = co_await waiter_.wake.wait_until(until);
    resting_ = false;
    co_return woken;
  }
  // Not after a release that it has not looked into.
  [[nodiscard]] bool takes_passed() const {
    const bool may = waiter_.takes_passed && !waiter_.cancelled && !waiter_.passed && acquire_.owner.empty();
    return may && resting_ && knows_releases_ == queue_.releases;
  }
  // The store had the lock for one of these owners since the waiter arrived, and for no other since it granted it at
  // `taken_at`, as far as its answers say.
  [[nodiscard]] bool has_met(const FormerOwners& owners, BootTime taken_at) const {
    const Found& found = queue_.found;
    const bool found_one = std::find(owners.begin(), owners.end(), found.holder) != owners.end();
    if (found_one) return arrived_at_ <= std::max(taken_at, found.asked_at);
    return arrived_at_ <= taken_at && found.asked_at < taken_at;
  }
  // An answer to this waiter, which asked after so many releases.
  void knows(std::uint64_t releases) { knows_releases_ = releases; }
  [[nodiscard]] bool has_missed_release() const { return knows_releases_ != queue_.releases; }

  // The waiter before this one has the lock now, so the store need not be asked for its holder. Only if the end of that
  // will be heard, and no older answer is awaited.
  void learn_holder(const LockId& id, LockTry busy) {
    if (!resting_ || !queue_.listening || id != id_) return;
    holder_ = std::move(busy);
    knows(queue_.releases);
  }
  // None: the store must be asked. Once.
  std::optional<LockTry> take_holder() {
    std::optional<LockTry> busy = std::exchange(holder_, std::nullopt);
    if (has_missed_release()) busy.reset();
    return busy;
  }

 private:
  LockQueue& queues_;
  std::weak_ptr<bool> alive_;
  LockId id_;
  const AcquireRequest& acquire_;
  Queue& queue_;
  Waiter& waiter_;
  BootTime arrived_at_;
  bool resting_ = false;
  std::optional<LockTry> holder_{};
  std::optional<std::uint64_t> knows_releases_{};  // none: nothing yet
};

}  // namespace jeton::agent
