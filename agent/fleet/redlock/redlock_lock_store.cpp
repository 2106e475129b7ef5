// The lock store on a quorum: the lock of redlock_lock.hpp under the names of applications.
#include <algorithm>
#include <map>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/redis_lock_store.hpp"
#include "agent/fleet/redlock/redlock_lock.hpp"
#include "agent/fleet/redlock/redlock_servers.hpp"
#include "agent/fleet/redlock/server_steps.hpp"

namespace jeton::agent {
namespace {

// The fence that most of the servers name, as a majority does unless servers lost it: one of them may have any. Of two
// that as many name, the higher one: a server that missed the last step of the acquisition has a lower one.
std::uint64_t fence_of(const std::vector<const LockView*>& views) {
  std::map<std::uint64_t, std::size_t> named;
  for (const LockView* view : views) {
    if (view->fence != 0) ++named[view->fence];
  }
  std::uint64_t fence = 0;
  std::size_t most = 0;
  for (const auto& [candidate, servers] : named) {
    if (servers < most) continue;
    fence = candidate;
    most = servers;
  }
  return fence;
}

// The holder of the lock on a majority, and how long that majority lasts.
LockView majority_view(const RedlockRound<LockView>& round) {
  std::map<std::string, std::vector<const LockView*>> by_owner;
  for (const auto& view : round.answers) {
    if (view && view->held) by_owner[view->owner].push_back(&*view);
  }
  for (auto& [owner, views] : by_owner) {
    if (views.size() < round.majority()) continue;
    const auto lasts = [](const LockView* v) { return v->ttl.value_or(Milliseconds::max()); };
    std::sort(views.begin(), views.end(), [&](const LockView* a, const LockView* b) { return lasts(a) < lasts(b); });
    LockView view = *views[views.size() - round.majority()];
    // A server that was given the lock back knows it without its note.
    for (const LockView* other : views) {
      if (view.note.by) break;
      view.note = other->note;
    }
    view.fence = fence_of(views);
    return view;
  }
  return {};
}

// Whether the servers that have not answered may make a majority with those that say the same.
bool may_be_held(const RedlockRound<LockView>& round) {
  std::map<std::string, std::size_t> by_owner;
  std::size_t most = 0;
  for (const auto& view : round.answers) {
    if (view && view->held) most = std::max(most, ++by_owner[view->owner]);
  }
  return most + round.pending() >= round.majority();
}

// Kept by the calls under way.
struct RedlockStoreState {
  using Self = std::shared_ptr<RedlockStoreState>;

  explicit RedlockStoreState(redlock::Quorum q) : quorum(std::move(q)) {}

  static Task<LockTry> try_acquire(Self self, LockId id, LockClaim claim) {
    self->check_running();
    const Subject subject = subject_of(id);
    AcquireResult result = co_await redlock::try_acquire(self->quorum, subject, std::move(claim));
    co_return std::move(result);
  }

  static Task<bool> extend(Self self, LockId id, Lease& lease) {
    self->check_running();
    const Subject subject = subject_of(id);
    co_return co_await redlock::renew(self->quorum, subject, lease);
  }

  static Task<bool> release(Self self, LockId id, std::string owner) {
    self->check_running();
    const redlock::Quorum quorum = self->quorum;
    quorum->mark_abandoned(owner);
    const BootTime deadline = quorum->deadline();
    const Subject subject = subject_of(id);
    // A server that does not answer has the lock deleted later; longer than that it has no use.
    const Duration ttl = std::chrono::minutes(1);
    const RedlockQuorum::Question<bool> question = [subject, owner, ttl, deadline](const redlock::Server& server) {
      return redlock::release(server, subject, owner, ttl, deadline);
    };
    const auto decided = [](const RedlockRound<bool>& r) {
      const std::size_t released = r.count(redlock::is_yes);
      return released >= r.majority() || r.answered() - released >= r.majority();
    };
    const auto round = co_await RedlockQuorum::decide(quorum, question, decided, deadline);
    const std::size_t released = round->count(redlock::is_yes);
    co_return released > 0 && released + round->pending() >= round->majority();
  }

  static Task<bool> force_release(Self self, LockId id) {
    self->check_running();
    const redlock::Quorum quorum = self->quorum;
    const BootTime deadline = quorum->deadline();
    const Subject subject = subject_of(id);
    const std::string message_id = new_owner_id(quorum->random);
    const RedlockQuorum::Question<bool> question = [subject, message_id, deadline](const redlock::Server& server) {
      return redlock::force_release(server, subject, message_id, deadline);
    };
    const auto round = co_await RedlockQuorum::decide(quorum, question, redlock::all_ended, deadline);
    co_return round->count(redlock::is_yes) > 0;
  }

  // As a majority has it: a lock on a minority excludes no other owner.
  static Task<LockView> show(Self self, LockId id) {
    self->check_running();
    const BootTime deadline = self->quorum->deadline();
    const Subject subject = subject_of(id);
    const RedlockQuorum::Question<LockView> question = [subject, deadline](const redlock::Server& server) {
      return redlock::show(server, subject, deadline);
    };
    const auto decided = [](const RedlockRound<LockView>& r) {
      return r.answered() >= r.majority() && (majority_view(r).held || !may_be_held(r));
    };
    const auto round = co_await RedlockQuorum::decide(self->quorum, question, decided, deadline);
    co_return majority_view(*round);
  }

  [[nodiscard]] const Servers& all_servers() const { return quorum->servers; }
  void subscribe(const Subject& subject, FleetListener* listener) const {
    quorum->notifications->subscribe(all_servers(), subject, listener);
  }
  void unsubscribe_all() const { quorum->notifications->unsubscribe_all(all_servers(), Subject::Kind::lock); }
  [[nodiscard]] BackendHealth health() const { return quorum_health(*quorum); }
  void check_running() const {
    if (stopped) throw TransportError("redlock: stopped");
  }

  redlock::Quorum quorum;
  bool stopped = false;
};

}  // namespace

std::unique_ptr<LockStore> make_redlock_lock_store(redlock::Quorum quorum) {
  return std::make_unique<SharedLockStore<RedlockStoreState>>(std::make_shared<RedlockStoreState>(std::move(quorum)));
}

}  // namespace jeton::agent
