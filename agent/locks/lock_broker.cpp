#include "agent/locks/lock_broker.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

// Within the time that the agent gives itself to stop.
constexpr Duration farewell = std::chrono::milliseconds(2500);

}  // namespace

LockBroker::LockBroker(Timers& timers, Random& random, std::unique_ptr<LockStore> store, LockLimits limits)
    : timers_(timers),
      limits_(limits),
      store_(std::move(store)),
      lines_(timers, random, *store_),
      session_ended_(timers) {}

LockBroker::~LockBroker() { store_->stop(); }

void LockBroker::configure(LockRules rules) {
  if (!rules.empty() && !started_) {
    store_->start();
    started_ = true;
  }
  rules_ = std::move(rules);
}

std::shared_ptr<LockSession> LockBroker::open(LockRequest request) {
  if (stopping_) throw LockRefusal("the agent stops");
  std::sort(request.locks.begin(), request.locks.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  check_limits(request);
  auto session = std::make_shared<LockSession>(LockSession::Context{timers_, *store_, lines_}, std::move(request));
  sessions_.emplace(session.get(), session);
  count(*session, true);
  LockSession::start(session, [this, alive = std::weak_ptr(alive_)](LockSession* ended) {
    if (alive.expired()) return;
    count(*ended, false);
    sessions_.erase(ended);
    session_ended_.notify();
  });
  return session;
}

void LockBroker::count(const LockSession& session, bool begins) {
  const std::size_t size = session.request().locks.size();
  std::size_t& of_user = of_user_[session.request().user];
  of_user = begins ? of_user + size : of_user - size;
  locks_ = begins ? locks_ + size : locks_ - size;
  if (of_user == 0) of_user_.erase(session.request().user);
}

void LockBroker::check_limits(const LockRequest& request) {
  const std::size_t size = request.locks.size();
  const auto counted = of_user_.find(request.user);
  const std::size_t of_user = (counted == of_user_.end() ? 0 : counted->second) + size;
  const std::size_t all = locks_ + size;
  std::size_t waited_for = request.wait > Duration{0} ? size : 0;
  if (request.wait > Duration{0} && of_user > limits_.waiters_per_user) {
    for (const auto& [key, session] : sessions_) {
      const bool waits = session->state() == LockSession::State::waiting;
      if (waits && session->request().user == request.user) waited_for += session->request().locks.size();
    }
  }
  const std::string who = "user " + std::to_string(request.user);
  if (of_user > limits_.locks_per_user) {
    throw LockRefusal(who + " holds or waits for " + std::to_string(limits_.locks_per_user) +
                      " locks already; release some");
  }
  if (waited_for > limits_.waiters_per_user) {
    throw LockRefusal(who + " waits for " + std::to_string(limits_.waiters_per_user) +
                      " locks already; end some, or ask without waiting");
  }
  if (all > limits_.locks) {
    throw LockRefusal("the agent serves " + std::to_string(limits_.locks) + " locks already; try again later");
  }
}

LockSession* LockBroker::holder(const LockId& id, const std::string& owner) const {
  for (const auto& [key, session] : sessions_) {
    const HeldLock* lock = session->find(id.name);
    if (lock != nullptr && lock->lease.owner == owner && !session->request().detached) return key;
  }
  return nullptr;
}

Task<std::optional<Lease>> LockBroker::extend(LockId id, std::string owner, Duration ttl) {
  if (LockSession* session = holder(id, owner)) {
    const std::shared_ptr<LockSession> kept_alive = session->shared_from_this();
    const bool kept = co_await kept_alive->extend(id.name, ttl);
    const HeldLock* lock = kept_alive->find(id.name);
    if (!kept || lock == nullptr) co_return std::nullopt;
    co_return lock->lease;
  }
  Lease lease{owner, 0, ttl, timers_.clock().boot_now() + ttl};
  const bool kept = co_await store_->extend(id, lease);
  if (!kept) co_return std::nullopt;
  co_return lease;
}

Task<bool> LockBroker::release(LockId id, std::string owner) {
  const bool released = co_await store_->release(id, owner);
  if (LockSession* session = holder(id, owner)) session->lose(id.name, "it was released by its owner id");
  co_return released;
}

Task<bool> LockBroker::force_release(LockId id, std::string who) {
  const LockView view = co_await store_->show(id);
  const bool released = co_await store_->force_release(id);
  log::warning("a lock was taken from its holder by an administrator",
               {{"lock", id.name}, {"by", who}, {"owner", view.owner}, {"holder", view.note.by}, {"held", released}});
  if (LockSession* session = holder(id, view.owner)) session->lose(id.name, "an administrator took it: " + who);
  co_return released;
}

Task<LockView> LockBroker::show(LockId id) { return store_->show(std::move(id)); }

Task<> LockBroker::stop() {
  stopping_ = true;
  const auto sessions = sessions_;  // one may end while it is told
  for (const auto& [key, session] : sessions) session->ask_to_end();
  const BootTime deadline = timers_.clock().boot_now() + farewell;
  bool in_time = true;
  while (!sessions_.empty() && in_time) in_time = co_await session_ended_.wait_until(deadline);
  if (!sessions_.empty()) {
    log::warning("holders of locks did not end in time; their locks are left to expire",
                 {{"sessions", sessions_.size()}});
  }
  for (const auto& [key, session] : sessions_) session->abandon();
  store_->stop();
}

}  // namespace jeton::agent
