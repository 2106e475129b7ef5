// The lock store on a quorum: the lock of redlock_lock.hpp under the names of applications.
#include <algorithm>
#include <map>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/server_use.hpp"
#include "agent/fleet/redlock/lock_votes.hpp"
#include "agent/fleet/redlock/redlock_lock.hpp"

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
    // A server on which the lock was restored knows it without its note.
    for (const LockView* other : views) {
      if (view.note.by) break;
      view.note = other->note;
    }
    view.fence = fence_of(views);
    return view;
  }
  return {};
}

// Whether a majority names the fence of the view. Right after an acquisition, servers that granted it late name others.
bool is_fence_known(const RedlockRound<LockView>& round, const LockView& view) {
  const auto names_it = [&](const LockView& other) { return other.owner == view.owner && other.fence == view.fence; };
  return round.count(names_it) >= round.majority();
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

// Behind a vote that is still on its way there: it would take the lock again.
Task<bool> force_release_on(redlock::Server server, Subject subject, std::string message_id, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  const RedisServer::Turn turn = co_await server->in_turn(subject, deadline);
  co_return co_await server->locks().force_release(keys, message_id, deadline);
}

class RedlockLockStore final : public LockStore {
 public:
  explicit RedlockLockStore(redlock::Quorum quorum) : quorum_(std::move(quorum)), use_(quorum_->servers) {}
  ~RedlockLockStore() override { RedlockLockStore::stop(); }

  Task<LockTry> try_acquire(LockId id, AcquireRequest request) override {
    const redlock::Quorum quorum = running();
    AcquireResult result = co_await redlock::try_acquire(quorum, subject_of(id), std::move(request));
    co_return std::move(result);
  }

  Task<bool> extend(LockId id, Lease& lease) override {
    const redlock::Quorum quorum = running();
    co_return co_await redlock::renew(quorum, subject_of(id), lease);
  }

  Task<bool> pass(LockId id, FormerOwners former, Lease& lease, LockNote note, bool /*confirmed*/) override {
    const redlock::Quorum quorum = running();
    co_return co_await redlock::pass(quorum, subject_of(id), std::move(former), lease, std::move(note));
  }

  Task<bool> release(LockId id, std::string owner, FormerOwners former) override {
    const redlock::Quorum quorum = running();
    quorum->pass_on(former, owner);
    quorum->mark_abandoned(owner);
    const Subject subject = subject_of(id);
    const Question<bool> question = [subject, owner, former](const redlock::Server& server, BootTime deadline) {
      // A server that does not answer has the lock deleted later; longer than that it has no use.
      return redlock::release(server, subject, owner, std::chrono::minutes(1), deadline, former);
    };
    const auto decided = [](const RedlockRound<bool>& r) {
      const std::size_t released = r.count(redlock::is_yes);
      return released >= r.majority() || r.answered() - released >= r.majority();
    };
    const auto round = co_await RedlockQuorum::decide(quorum, question, decided);
    const std::size_t released = round->count(redlock::is_yes);
    co_return released > 0 && released + round->pending() >= round->majority();
  }

  Task<bool> force_release(LockId id) override {
    const redlock::Quorum quorum = running();
    const Subject subject = subject_of(id);
    const std::string message_id = new_owner_id(quorum->random);
    const Question<bool> question = [subject, message_id](const redlock::Server& server, BootTime deadline) {
      return force_release_on(server, subject, message_id, deadline);
    };
    const auto round = co_await RedlockQuorum::decide(quorum, question, redlock::all_ended);
    co_return round->count(redlock::is_yes) > 0;
  }

  // As a majority has it: a lock on a minority excludes no other owner.
  Task<LockView> show(LockId id) override {
    const redlock::Quorum quorum = running();
    const Subject subject = subject_of(id);
    const Question<LockView> question = [subject](const redlock::Server& server, BootTime deadline) {
      return server->locks().show(server->keys_of(subject), fence_limit(server->wall_now()), deadline);
    };
    const auto decided = [](const RedlockRound<LockView>& r) {
      if (r.answered() < r.majority()) return false;
      const LockView view = majority_view(r);
      return view.held ? is_fence_known(r, view) : !may_be_held(r);
    };
    const auto round = co_await RedlockQuorum::decide(quorum, question, decided);
    co_return majority_view(*round);
  }

  void listen(const LockId& id, std::function<void()> woken) override {
    quorum_->notifications->subscribe(quorum_->servers, subject_of(id), listeners_.set(id, std::move(woken)));
  }

  [[nodiscard]] BackendHealth health() const override { return quorum_health(*quorum_); }
  void start() override { use_.start(); }
  void stop() override {
    stopped_ = true;
    use_.stop();
    quorum_->notifications->unsubscribe_all(quorum_->servers, Subject::Kind::lock);
    listeners_.clear();
  }

 private:
  template <typename Answer>
  using Question = RedlockQuorum::Question<Answer>;

  // Kept by the calls under way, which may outlive the store.
  [[nodiscard]] redlock::Quorum running() const {
    if (stopped_) throw TransportError("redlock: stopped");
    return quorum_;
  }

  redlock::Quorum quorum_;
  ServerUse use_;
  ReleaseListeners listeners_;
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<LockStore> make_redlock_lock_store(redlock::Quorum quorum) {
  return std::make_unique<RedlockLockStore>(std::move(quorum));
}

}  // namespace jeton::agent
