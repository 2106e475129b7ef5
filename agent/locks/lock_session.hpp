// LockSession: one or several locks for one local client, from the request to the end: waits, takes all or none, has
// them kept (lock_keeper.hpp), reports a loss at once, and releases them when the client has gone. A detached lock is
// left to its owner as soon as it is taken.
//
// Several locks are taken in order of their names, the first ones renewed while the next is waited for: two sessions
// that overlap ask in the same order, so none waits for what the other holds while that waits for it.
//
// It runs by itself and keeps itself alive; an observer waits for changed(). One thread: the loop's.
// tests/model/lock_pass.pml is a model of the release of a lock that was passed on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/base/tally.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/lock_store.hpp"
#include "agent/locks/lock_keeper.hpp"
#include "agent/locks/lock_queue.hpp"

namespace jeton::agent {

// The request of a client. On its way down `acquire` goes to the store, once for each lock; on its way back the store
// answers each with a LockTry, whose lease the session keeps as a HeldLock.
struct LockRequest {
  std::string name;           // of the lock that was asked for; the others go with it
  std::vector<LockId> locks;  // one or more, that one included; a detached request has only that one
  // Of each lock: the TTL and the note; of a detached one also the owner id that the client chose, if any.
  AcquireRequest acquire{};
  // Owner ids by name, of each lock: they are held already, see outlives_agent.
  std::map<std::string, std::string> resumed{};
  Duration wait{};                  // zero: one try
  std::optional<Duration> retry{};  // between two looks
  uid_t user = 0;
  bool is_admin = false;  // may see the owner ids of others, and is not shut out by the number of their locks
  bool detached = false;
  // When the agent stops, the locks are left to their TTL, and the client goes on with them at the next agent.
  bool outlives_agent = false;
};

// The outcomes of this host's requests for locks since the agent started, for /metrics. It knows no
// names of locks: clients choose them.
struct LockTally {
  DurationTally waits;       // from a request to its locks; its count is that of the requests that got them
  DurationTally holds;       // from then to the release or loss; not of detached locks, which their owner releases
  std::uint64_t busy = 0;    // requests that did not get them in time
  std::uint64_t failed = 0;  // the store could not be asked, or the agent stopped
  std::uint64_t lost = 0;    // held locks
};

class LockSession : public std::enable_shared_from_this<LockSession> {
 public:
  enum class State {
    trying,       // the first answer is awaited
    waiting,      // another client holds it
    held,         // all of them: held() is not empty
    releasing,    // the client has gone; they are being released
    busy,         // not won in time
    failed,       // the store cannot be asked, or the agent stops
    lost,         // one is lost; the others are released
    ended,        // released, or called off
    handed_over,  // the client goes on with them in another session
  };

  // All outlive every session.
  struct Context {
    Timers& timers;
    LockStore& store;
    LockQueue& queue;
    LockTally& tally;
  };
  LockSession(Context context, LockRequest request);
  LockSession(const LockSession&) = delete;
  LockSession& operator=(const LockSession&) = delete;

  // `on_end`: called once, when the session has no more work.
  static void start(const std::shared_ptr<LockSession>& self, std::function<void(LockSession*)> on_end);

  // The client has gone or needs the locks no more: held locks are released.
  void cancel();
  // The client of a detached lock has received the answer: from now on the lock belongs to the client.
  void deliver();
  // A client that waits is told that it does not get the locks, and why; nothing happens to a holder.
  void end_wait(const std::string& reason);
  // The agent stops: a waiting client learns it at once; a holder is asked to end, and has its locks until it does.
  void ask_to_end();
  // From now on nothing is released: held locks are left to their TTL.
  void abandon() { abandoned_ = true; }
  // The same client goes on with the locks in another session.
  void hand_over();
  // The lock is about to be taken from the session: from now on it is not passed on.
  void stop_passing(const std::string& name);
  // It is lost; `reason`: the text for its holder.
  void lose(const std::string& name, const std::string& reason);
  // False: lost. Throws TransportError.
  Task<bool> extend(std::string name, Duration ttl);
  // As LockKeeper::know_owner.
  Task<> know_owner(LockId id) { return keeper_->know_owner(std::move(id)); }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const LockRequest& request() const { return request_; }
  [[nodiscard]] const std::vector<HeldLock>& held() const { return keeper_->held(); }
  [[nodiscard]] const HeldLock* find(const std::string& name) const { return keeper_->find(name); }
  // Whether a lock was passed on to it from this owner, which released it; the store may still have that one.
  [[nodiscard]] bool has_lock_of(const std::string& former_owner) const;
  // Of busy and waiting: the holder. Of a session that ended: the last one.
  [[nodiscard]] const LockTry& busy() const { return busy_; }
  [[nodiscard]] const std::string& busy_name() const { return busy_name_; }  // of the lock that another client holds
  // Of failed and lost, and of one that was asked to end.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] const std::string& lost_name() const { return lost_name_; }  // empty: all
  [[nodiscard]] bool asked_to_end() const { return asked_to_end_; }
  // While it is held: why one of the locks could not be renewed lately; empty: all could.
  [[nodiscard]] const std::string& trouble() const { return keeper_->trouble(); }
  // Rises with every renewal.
  [[nodiscard]] std::uint64_t renewals() const { return keeper_->renewals(); }
  // When the first of them runs out unless renewed.
  [[nodiscard]] BootTime valid_until() const { return keeper_->valid_until(); }
  [[nodiscard]] Event& changed() { return changed_; }

 private:
  using Self = std::shared_ptr<LockSession>;
  static Task<> run(Self self, std::function<void(LockSession*)> on_end);
  Task<> take_all();
  Task<> resume_all();
  Task<std::string> extend_again(const LockId& id, Lease& lease);
  Task<> release_held();
  Task<> release(HeldLock lock);
  [[nodiscard]] bool pass_on(const HeldLock& lock);
  [[nodiscard]] std::string by_text() const;
  void was_not_ours(const std::string& name, const std::string& reason);
  void count(State next);
  void enter(State state);
  [[nodiscard]] bool ending() const { return cancelled_ || state_ == State::lost; }
  [[nodiscard]] BootTime now() const { return context_.timers.clock().boot_now(); }

  Context context_;
  LockRequest request_;
  State state_ = State::trying;
  BootTime asked_at_;
  BootTime held_since_;
  std::shared_ptr<Waiter> waiter_;
  std::shared_ptr<LockKeeper> keeper_;
  LockTry busy_;
  std::string busy_name_;
  std::string reason_;
  std::string lost_name_;
  bool cancelled_ = false;
  bool delivered_ = false;
  bool asked_to_end_ = false;
  bool abandoned_ = false;
  bool handed_over_ = false;
  Event changed_;
};

}  // namespace jeton::agent
