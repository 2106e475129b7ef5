#include "agent/fleet/redlock/redlock_lock_store.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redlock/redlock_lock.hpp"
#include "agent/fleet/redlock/redlock_servers.hpp"

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

// Who holds the lock on a majority, and how long that majority lasts.
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

}  // namespace

class RedlockLockStore::Impl {
 public:
  Impl(Timers& t, Random& r, const RedlockCoordinatorOptions& options)
      : random(r), servers(make_redlock_servers(t, r, options, RedlockServers::Names::locks)) {}

  class Listener final : public FleetListener {
   public:
    explicit Listener(std::function<void()> woken) : woken_(std::move(woken)) {}
    void on_release() override { wake(); }
    void on_gap() override { wake(); }

   private:
    // Copied, because the callee may end its listening.
    void wake() const {
      const auto woken = woken_;
      woken();
    }
    std::function<void()> woken_;
  };

  [[nodiscard]] RedlockQuorum& quorum() const { return *servers.quorum; }
  [[nodiscard]] redlock::Quorum usable(const LockId& id) const {
    if (stopped) throw TransportError("redlock: stopped");
    for (const auto& node : quorum().nodes) {
      if (id.terms == TokenLockConfig{}) {
        node->forget(id.name);
      } else {
        node->configure(id.name, {id.terms, {}});
      }
    }
    return servers.quorum;
  }

  // A lease that nobody gave back has ended by itself: a server that is still about to grant it is told no more.
  void forget_ended() {
    const BootTime now = quorum().now();
    for (auto lease = leases.begin(); lease != leases.end();) {
      if (lease->second > now) {
        ++lease;
        continue;
      }
      quorum().let_go(lease->first);
      lease = leases.erase(lease);
    }
  }

  Random& random;
  RedlockServers servers;
  std::map<std::string, BootTime> leases;  // by owner: valid until then
  std::map<std::string, std::unique_ptr<Listener>> listeners;
  bool started = false;
  bool stopped = false;
};

RedlockLockStore::RedlockLockStore(Timers& timers, Random& random, const RedlockCoordinatorOptions& options)
    : impl_(std::make_shared<Impl>(timers, random, options)) {}

RedlockLockStore::~RedlockLockStore() {
  stop();
  for (const auto& node : impl_->quorum().nodes) node->end();
}

Task<LockTry> RedlockLockStore::try_acquire(LockId id, LockClaim claim) {
  const auto impl = impl_;
  impl->forget_ended();
  redlock::Claim wanted;
  wanted.owner = [impl, next = claim.owner, is_new = claim.owner_is_new]() mutable {
    return is_new ? std::exchange(next, new_owner_id(impl->random)) : next;
  };
  wanted.owner_is_new = claim.owner_is_new;
  wanted.ttl = claim.ttl;
  wanted.note = claim.note;
  wanted.give_up_at = claim.give_up_at;
  AcquireResult answer = co_await redlock::try_acquire(impl->usable(id), id.name, std::move(wanted));
  LockTry result;
  if (answer.lease) impl->leases[answer.lease->owner] = answer.lease->valid_until;
  result.lease = std::move(answer.lease);
  result.busy_until = answer.busy_until;
  result.holder = std::move(answer.holder);
  result.trouble = std::move(answer.trouble);
  result.note = std::move(answer.note);
  co_return result;
}

Task<bool> RedlockLockStore::extend(LockId id, Lease& lease) {
  const auto impl = impl_;
  const bool held = co_await redlock::renew(impl->usable(id), id.name, lease);
  if (held) {
    impl->leases[lease.owner] = lease.valid_until;
  } else {
    impl->leases.erase(lease.owner);
  }
  co_return held;
}

Task<bool> RedlockLockStore::release(LockId id, std::string owner) {
  const auto impl = impl_;
  const redlock::Quorum quorum = impl->usable(id);
  quorum->let_go(owner);
  impl->leases.erase(owner);
  const BootTime deadline = quorum->deadline();
  const std::string name = id.name;
  // A server that does not answer has the lock taken back later; longer than that it has no use.
  const Milliseconds ttl = std::chrono::minutes(1);
  const RedlockQuorum::Question<bool> question = [name, owner, ttl,
                                                  deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::release(node, name, owner, ttl, deadline);
  };
  const auto round = quorum->ask(question);
  const auto yes = [](bool released) { return released; };
  const auto decided = [&](const RedlockRound<bool>& r) {
    return r.count(yes) >= r.majority() || r.answered() - r.count(yes) >= r.majority();
  };
  co_await RedlockRound<bool>::wait(round, decided, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
  co_return round->count(yes) > 0 && round->count(yes) + round->pending() >= round->majority();
}

Task<bool> RedlockLockStore::force_release(LockId id) {
  const auto impl = impl_;
  const redlock::Quorum quorum = impl->usable(id);
  const BootTime deadline = quorum->deadline();
  const std::string name = id.name;
  const std::string message_id = new_owner_id(impl->random);
  const RedlockQuorum::Question<bool> question = [name, message_id,
                                                  deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::force_release(node, name, message_id, deadline);
  };
  const auto round = quorum->ask(question);
  const auto all = [](const RedlockRound<bool>&) { return false; };
  co_await RedlockRound<bool>::wait(round, all, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
  co_return round->count([](bool released) { return released; }) > 0;
}

Task<LockView> RedlockLockStore::show(LockId id) {
  const redlock::Quorum quorum = impl_->usable(id);
  const BootTime deadline = quorum->deadline();
  const std::string name = id.name;
  const RedlockQuorum::Question<LockView> question = [name, deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::show(node, name, deadline);
  };
  const auto round = quorum->ask(question);
  const auto decided = [](const RedlockRound<LockView>& r) {
    return r.answered() >= r.majority() && (majority_view(r).held || !may_be_held(r));
  };
  co_await RedlockRound<LockView>::wait(round, decided, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
  co_return majority_view(*round);
}

void RedlockLockStore::listen(const LockId& id, std::function<void()> woken) {
  if (!woken) {
    impl_->servers.ears->subscribe(impl_->quorum(), id.name, nullptr);
    impl_->listeners.erase(id.name);
    return;
  }
  auto listener = std::make_unique<Impl::Listener>(std::move(woken));
  impl_->servers.ears->subscribe(impl_->quorum(), id.name, listener.get());
  impl_->listeners[id.name] = std::move(listener);
}

BackendHealth RedlockLockStore::health() const { return quorum_health(impl_->quorum()); }

void RedlockLockStore::start() {
  if (std::exchange(impl_->started, true)) return;
  for (const auto& node : impl_->quorum().nodes) node->start();
}

void RedlockLockStore::stop() {
  impl_->stopped = true;
  for (const auto& node : impl_->quorum().nodes) node->stop();
}

}  // namespace jeton::agent
