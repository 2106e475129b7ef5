// LockKeeper: keeps the locks that a session holds. It renews each every third of its TTL, listens for a
// release by another client once one is held for long, so that it is noticed at once and not only at the next renewal,
// and reports a loss with its cause, a little before the holder would know it by its own clock.
//
// The first renewal of a lock that was passed on (lock_queue.hpp) is due at once. Each of its renewals names the former
// owners, too, because a server of a quorum, or a replica that took over, may still have one of them. The holder
// hears of a loss that a renewal finds. tests/model/lock_pass.pml is a model of that.
//
// One thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/lock_store.hpp"
#include "agent/locks/lock_queue.hpp"

namespace jeton::agent {

// The renewals that failed before a lock ran out.
struct MissedRenewal {
  std::string trouble{};               // why the last one did not reach the store; empty: none failed
  std::optional<BootTime> asked_at{};  // of one that the store has not answered
};

struct HeldLock {
  LockId id;
  Lease lease;
  Tenure tenure;
  BootTime renew_at;
  BootTime listen_at;                         // from then on releases are heard
  std::shared_ptr<LockQueue::Watch> watch{};  // once they are
  MissedRenewal missed{};                     // since the last renewal
  std::string told_owner{};  // the owner id that its client knows; under getset a renewal changes that of the lease
};

class LockKeeper : public std::enable_shared_from_this<LockKeeper> {
 public:
  // All outlive the object.
  struct Context {
    Timers& timers;
    LockStore& store;
    LockQueue& queue;
  };
  // Not called after end().
  struct Callbacks {
    std::function<void(const std::string& name, const std::string& reason)> lost;  // `reason`: the text for the holder
    std::function<void()> changed;  // renewals() or trouble() has changed
  };
  LockKeeper(Context context, Callbacks callbacks);
  LockKeeper(const LockKeeper&) = delete;
  LockKeeper& operator=(const LockKeeper&) = delete;

  // Holds one more; `renewed`: it is also renewed and watched.
  void hold(const LockId& id, Lease lease, Tenure tenure, bool renewed);
  // False: lost. Throws TransportError: it may have been made, so the lease is the shorter one and is renewed soon.
  Task<bool> extend(std::string name, Duration ttl);
  // The lock is not passed on any more: the store may have it for less time than its lease says, or not at all.
  void stop_passing(const std::string& name);
  // Returns when the owner id of the lock is known: not while a renewal may change it (getset) that is under way, and
  // after one that was not answered it asks once more.
  Task<> know_owner(LockId id);
  // From now on nothing is renewed or reported. The locks stay here until each is dropped.
  void end();
  [[nodiscard]] bool has_ended() const { return ended_; }
  void drop(const std::string& name);

  [[nodiscard]] const std::vector<HeldLock>& held() const { return held_; }
  [[nodiscard]] const HeldLock* find(const std::string& name) const;
  // Why one of the locks could not be renewed lately; empty: all could.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // Rises with every renewal.
  [[nodiscard]] std::uint64_t renewals() const { return renewals_; }
  // When the first of them runs out unless renewed.
  [[nodiscard]] BootTime valid_until() const;

 private:
  using Self = std::shared_ptr<LockKeeper>;
  static Task<> run(Self self);
  Task<> renew_due();
  Task<bool> ask_store(const HeldLock& lock, Lease& lease);
  void listen_due();
  void renewed(HeldLock& lock, const Lease& lease);
  void not_answered(HeldLock& lock, const std::string& trouble);
  Task<> lose_to_another(LockId id);
  [[nodiscard]] std::string why_run_out(const HeldLock& lock) const;
  void note_trouble();
  void guard();
  [[nodiscard]] HeldLock* find_held(const std::string& name);
  [[nodiscard]] BootTime now() const { return context_.timers.clock().boot_now(); }

  Context context_;
  Callbacks callbacks_;
  std::vector<HeldLock> held_;
  std::string trouble_;
  std::uint64_t renewals_ = 0;
  Turns turns_;  // by name: one renewal or extension of a lock at a time
  bool running_ = false;
  bool ended_ = false;
  Timers::Id guard_ = 0;  // reports the loss when a renewal hangs
  Event wake_;
};

// Texts that say why a lock is lost, for its holder, other clients and the log. They hold no secret: an owner id can
// release its lock, so they show only its beginning.
//
// The present state of a lock that was lost, from the answer of the store.
[[nodiscard]] std::string found_instead(const LockView& found);
// The same for a lock that the store has just reported as taken. Asks the store, but not for long: the holder must
// hear of the loss. Throws nothing. Timers and store outlive the task.
[[nodiscard]] Task<std::string> ask_current_state(Timers& timers, LockStore& store, LockId id);

}  // namespace jeton::agent
