#include "agent/locks/lock_broker.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

// Within the time that the agent gives itself to stop.
constexpr Duration shutdown_grace = std::chrono::milliseconds(2500);

}  // namespace

LockBroker::LockBroker(Timers& timers, Random& random, std::unique_ptr<LockStore> store, LockLimits limits)
    : timers_(timers),
      limits_(limits),
      store_(std::move(store)),
      queue_(timers, random, *store_),
      quota_(limits),
      session_ended_(timers) {}

LockBroker::~LockBroker() { store_->stop(); }

void LockBroker::configure(LockRules rules) {
  if (!rules.empty() && !started_) {
    store_->start();
    started_ = true;
  }
  if (!sessions_.empty() && rules != rules_) rules_changed_ = true;
  rules_ = std::move(rules);
  end_former_waits();
}

// A client that waits for the former key of a name could get it while another one holds the new key.
void LockBroker::end_former_waits() {
  const auto sessions = sessions_;  // a session may end with its wait
  for (const auto& [key, session] : sessions) {
    if (!session->request().resumed.empty()) continue;  // its client holds the locks already
    for (const LockId& id : session->request().locks) {
      const LockRuleConfig* changed = rule(id.name);
      if (changed == nullptr || lock_id(*changed, id.name) == id) continue;
      session->end_wait("a reload changed the key or protocol of lock '" + id.name + "'; ask again");
      break;
    }
  }
}

std::shared_ptr<LockSession> LockBroker::open(LockRequest request) {
  if (stopping_) throw TransportError("the agent is stopping");  // a client asks the next agent
  std::sort(request.locks.begin(), request.locks.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  check_limits(request);
  check_keys(request);
  for (const auto& [name, owner] : request.resumed) {
    if (successor(owner) != nullptr) throw TransportError("lock '" + name + "' was released; ask again");
    // The client has connected again before the end of its former connection was noticed.
    LockSession* former = holder(name, owner);
    if (former != nullptr && former->request().acquire.note.by == request.acquire.note.by) former->hand_over();
  }
  auto session =
      std::make_shared<LockSession>(LockSession::Context{timers_, *store_, queue_, tally_}, std::move(request));
  sessions_.emplace(session.get(), session);
  quota_.add(session->request().user, session->request().locks.size());
  LockSession::start(session, [this, alive = std::weak_ptr(alive_)](LockSession* over) {
    if (!alive.expired()) ended(over);
  });
  return session;
}

void LockBroker::ended(LockSession* session) {
  const LockRequest& request = session->request();
  quota_.remove(request.user, request.locks.size());
  // Still held: a detached lock that was delivered.
  if (request.detached && session->state() == LockSession::State::held) {
    const Lease& lease = session->held().front().lease;
    quota_.leave(request.user, session->held().front().id, lease.owner, lease.valid_until);
  }
  sessions_.erase(session);
  if (sessions_.empty()) rules_changed_ = false;
  session_ended_.notify();
}

void LockBroker::check_limits(const LockRequest& request) {
  const std::size_t size = request.locks.size();
  quota_.check(request.user, request.is_admin, size, timers_.clock().boot_now());
  if (request.wait == Duration{0} || quota_.of_user(request.user) + size <= limits_.waiters_per_user) return;
  std::size_t waited_for = size;
  for (const auto& [key, session] : sessions_) {
    const bool waits = session->state() == LockSession::State::waiting;
    if (waits && session->request().user == request.user) waited_for += session->request().locks.size();
  }
  if (waited_for > limits_.waiters_per_user) {
    throw LockRefusal("user " + std::to_string(request.user) + " waits for " +
                      std::to_string(limits_.waiters_per_user) +
                      " locks already; end some of these requests, or ask without waiting");
  }
}

// After a reload the same name may be another key: two would hold it.
void LockBroker::check_keys(const LockRequest& request) const {
  for (const LockId& wanted : request.locks) {
    const LockQuota::Detached* left = quota_.detached(wanted.name);
    if (left == nullptr || left->until <= timers_.clock().boot_now() || left->id == wanted) continue;
    throw LockRefusal("lock '" + wanted.name +
                      "' is still held, detached, under the former key or protocol of its rule; release it, or wait "
                      "until it ends");
  }
  if (!rules_changed_) return;
  for (const auto& [key, session] : sessions_) {
    for (const LockId& wanted : request.locks) {
      const HeldLock* held = session->find(wanted.name);
      if (held == nullptr || held->id == wanted) continue;
      throw LockRefusal("lock '" + wanted.name +
                        "' is still held under the former key or protocol of its rule; wait until "
                        "it is released");
    }
  }
}

LockBroker::Counts LockBroker::sessions() const {
  Counts counts;
  for (const auto& [key, session] : sessions_) {
    if (session->state() == LockSession::State::held) ++counts.held;
    if (session->state() == LockSession::State::waiting) ++counts.waiting;
  }
  return counts;
}

// A reload may have changed or removed the rule under which it was taken.
LockId LockBroker::as_held(LockId id, const std::string& owner) const {
  if (const LockQuota::Detached* left = quota_.detached(id.name)) {
    const bool is_meant = owner.empty() ? left->until > timers_.clock().boot_now() : left->owner == owner;
    if (is_meant) return left->id;
  }
  if (!rules_changed_) return id;
  for (const auto& [key, session] : sessions_) {
    if (const HeldLock* held = session->find(id.name)) return held->id;
  }
  return id;
}

LockSession* LockBroker::holder(const std::string& name, const std::string& owner) const {
  for (const auto& [key, session] : sessions_) {
    const HeldLock* lock = session->find(name);
    if (lock == nullptr || session->request().detached) continue;
    if (lock->lease.owner == owner || lock->told_owner == owner) return key;
  }
  return nullptr;
}

LockSession* LockBroker::successor(const std::string& owner) const {
  for (const auto& [key, session] : sessions_) {
    if (session->has_lock_of(owner)) return key;
  }
  return nullptr;
}

Task<std::optional<Lease>> LockBroker::extend(LockId id, std::string owner, Duration ttl) {
  id = as_held(std::move(id), owner);
  if (successor(owner) != nullptr) co_return std::nullopt;  // its client released it
  if (LockSession* session = holder(id.name, owner)) {
    const std::shared_ptr<LockSession> kept_alive = session->shared_from_this();
    const bool kept = co_await kept_alive->extend(id.name, ttl);
    const HeldLock* lock = kept_alive->find(id.name);
    if (!kept || lock == nullptr) co_return std::nullopt;
    co_return lock->lease;
  }
  Lease lease{owner, 0, ttl, timers_.clock().boot_now() + ttl};
  const bool kept = co_await store_->extend(id, lease);
  if (!kept) co_return std::nullopt;
  quota_.extend(id.name, owner, lease);
  const LockView view = co_await store_->show(id);
  lease.fence = view.fence;
  co_return lease;
}

Task<bool> LockBroker::release(LockId id, std::string owner) {
  id = as_held(std::move(id), owner);
  if (successor(owner) != nullptr) co_return false;  // as above
  FormerOwners former;
  if (LockSession* session = holder(id.name, owner)) {
    const std::shared_ptr<LockSession> kept_alive = session->shared_from_this();
    former = session->find(id.name)->tenure.former;
    session->stop_passing(id.name);
    co_await kept_alive->know_owner(id);
    if (const HeldLock* lock = kept_alive->find(id.name)) owner = lock->lease.owner;
  }
  const bool released = co_await store_->release(id, owner, std::move(former));
  quota_.release(id.name, owner);
  if (LockSession* session = holder(id.name, owner)) session->lose(id.name, "it was released by its owner id");
  co_return released;
}

Task<bool> LockBroker::force_release(LockId id, LockHolder by) {
  id = as_held(std::move(id));
  const std::string who = lock_holder_text(by);
  const LockQuota::Detached* left = quota_.detached(id.name);
  const std::string detached_owner = left == nullptr ? std::string() : left->owner;
  const LockView view = co_await store_->show(id);
  for (const auto& [key, session] : sessions_) session->stop_passing(id.name);  // the view may be old by now
  const bool released = co_await store_->force_release(id);
  log::warning(log::lock_taken, "a lock was taken from its holder by an administrator",
               {{"lock", id.name},
                {"by", who},
                {"owner", view.owner},
                {"holder", lock_holder_text(view.note.by)},
                {"held", released}});
  quota_.release(id.name, view.owner);
  quota_.release(id.name, detached_owner);  // also if it was gone already: nothing is left under its key
  LockSession* session = holder(id.name, view.owner);
  if (session == nullptr) session = successor(view.owner);
  if (session != nullptr) session->lose(id.name, "an administrator took it: " + who);
  co_return released;
}

std::set<std::string> LockBroker::known_names() const {
  std::set<std::string> names;
  for (const auto& [pattern, rule] : rules_) {
    if (pattern.find('*') == std::string::npos) names.insert(pattern);
  }
  for (const auto& [key, session] : sessions_) {
    for (const LockId& id : session->request().locks) names.insert(id.name);
  }
  return names;
}

Task<LockView> LockBroker::show(LockId id) { return store_->show(as_held(std::move(id))); }

Task<> LockBroker::stop() {
  stopping_ = true;
  const auto sessions = sessions_;  // a session may end while it is asked to
  for (const auto& [key, session] : sessions) {
    // A client that resumes its locks holds them already.
    const bool resumes = !session->request().resumed.empty() && session->state() == LockSession::State::trying;
    const bool is_held = session->state() == LockSession::State::held || resumes;
    const bool goes_on = session->request().outlives_agent && is_held;
    if (goes_on) {
      session->hand_over();
    } else {
      session->ask_to_end();
    }
  }
  const BootTime deadline = timers_.clock().boot_now() + shutdown_grace;
  bool in_time = true;
  while (!sessions_.empty() && in_time) in_time = co_await session_ended_.wait_until(deadline);
  if (!sessions_.empty()) {
    log::warning(log::lock_holders_left, "holders of locks did not end in time; their locks will expire",
                 {{"sessions", sessions_.size()}});
  }
  for (const auto& [key, session] : sessions_) session->abandon();
  store_->stop();
}

}  // namespace jeton::agent
