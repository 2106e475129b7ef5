#include "agent/fleet/redlock/redlock_coordinator.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redlock/redlock_ears.hpp"
#include "agent/fleet/redlock/redlock_fetches.hpp"
#include "agent/fleet/redlock/redlock_lock.hpp"
#include "agent/fleet/redlock/redlock_register.hpp"
#include "agent/fleet/redlock/redlock_servers.hpp"

namespace jeton::agent {
struct RedlockCoordinator::State {
  State(Timers& timers, Random& r, const RedlockCoordinatorOptions& options) : random(r) {
    RedlockServers servers = make_redlock_servers(timers, r, options, RedlockServers::Names::tokens);
    ears = std::move(servers.ears);
    quorum = std::move(servers.quorum);
  }

  Random& random;
  std::shared_ptr<RedlockEars> ears;
  std::shared_ptr<RedlockQuorum> quorum;
  std::string last_error;
  bool stopped = false;
};

RedlockCoordinator::RedlockCoordinator(Timers& timers, Random& random, RedlockCoordinatorOptions options)
    : state_(std::make_shared<State>(timers, random, options)) {
  state_->quorum->on_loss = [ears = std::weak_ptr(state_->ears)](const std::string& name) {
    const auto alive = ears.lock();
    return alive && alive->tell_lost(name);
  };
}

RedlockCoordinator::~RedlockCoordinator() {
  stop();
  for (const auto& node : state_->quorum->nodes) node->end();
}

// Runs one call, unless stopped, and keeps what health() says about the last one.
template <typename T>
Task<T> RedlockCoordinator::tracked(std::shared_ptr<State> state, Task<T> call) {
  if (state->stopped) throw TransportError("redlock: stopped");
  try {
    T result = co_await std::move(call);
    state->last_error.clear();
    co_return result;
  } catch (const TransportError& e) {
    state->last_error = e.what();
    throw;
  }
}

Task<> RedlockCoordinator::tracked(std::shared_ptr<State> state, Task<> call) {
  if (state->stopped) throw TransportError("redlock: stopped");
  try {
    co_await std::move(call);
    state->last_error.clear();
  } catch (const TransportError& e) {
    state->last_error = e.what();
    throw;
  }
}

Task<AcquireResult> RedlockCoordinator::try_acquire(const std::string& name, Duration ttl) {
  redlock::Claim claim;
  claim.owner = [state = state_] {
    std::string owner = new_owner_id(state->random);
    state->ears->own(owner);  // before it is sent: the claim may be heard before the answers
    return owner;
  };
  claim.ttl = ttl;
  return tracked(state_, redlock::try_acquire(state_->quorum, name, std::move(claim)));
}

Task<bool> RedlockCoordinator::renew(const std::string& name, Lease& lease) {
  return tracked(state_, redlock::renew(state_->quorum, name, lease));
}

Task<> RedlockCoordinator::release(const std::string& name, const Lease& lease) {
  return tracked(state_, redlock::release(state_->quorum, name, lease));
}

Task<Admission> RedlockCoordinator::admit(const std::string& name, const Lease& lease, const FetchLimits& limits) {
  return tracked(state_, redlock::admit(state_->quorum, name, lease.owner, limits));
}

Task<PublishResult> RedlockCoordinator::publish(const std::string& name, const Record& record, const Lease& lease) {
  return tracked(state_, redlock::publish(state_->quorum, name, std::make_shared<const Record>(record), lease));
}

Task<std::optional<Record>> RedlockCoordinator::load(const std::string& name) {
  return tracked(state_, redlock::load(state_->quorum, name));
}

Task<> RedlockCoordinator::pause(const std::string& name, Pause pause) {
  return tracked(state_, redlock::pause(state_->quorum, name, std::move(pause)));
}

Task<> RedlockCoordinator::announce_rejection(const std::string& name, Generation generation) {
  return tracked(state_, redlock::announce_rejection(state_->quorum, name, generation));
}

Task<> RedlockCoordinator::resume(const std::string& name) {
  return tracked(state_, redlock::resume(state_->quorum, name));
}

Task<FetchUsage> RedlockCoordinator::usage(const std::string& name) {
  return tracked(state_, redlock::usage(state_->quorum, name));
}

Task<> RedlockCoordinator::restore_usage(const std::string& name, FetchUsage usage, Duration window) {
  return tracked(state_, redlock::restore_usage(state_->quorum, name, usage, window));
}

void RedlockCoordinator::configure(const std::string& name, const TokenTerms& terms) {
  for (const auto& node : state_->quorum->nodes) node->configure(name, terms);
}

void RedlockCoordinator::subscribe(const std::string& name, FleetListener* listener) {
  state_->ears->subscribe(*state_->quorum, name, listener);
}

BackendHealth RedlockCoordinator::health() const {
  BackendHealth health = quorum_health(*state_->quorum);
  if (health.last_error.empty()) health.last_error = state_->last_error;
  return health;
}

void RedlockCoordinator::clock_stepped() {
  for (const auto& node : state_->quorum->nodes) node->forget_clock();
}

void RedlockCoordinator::start() {
  for (const auto& node : state_->quorum->nodes) node->start();
}

void RedlockCoordinator::stop() {
  state_->stopped = true;
  for (const auto& node : state_->quorum->nodes) node->stop();
}

}  // namespace jeton::agent
