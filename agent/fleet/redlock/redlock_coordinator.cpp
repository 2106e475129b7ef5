// The coordinator on a quorum: the lock is Redlock with fences (redlock_lock.hpp), the record a quorum register with
// read repair (redlock_register.hpp), the count of fetches is read and written under the lock (redlock_fetches.hpp).
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/server_check.hpp"
#include "agent/fleet/redis/server_use.hpp"
#include "agent/fleet/redlock/redlock_fetches.hpp"
#include "agent/fleet/redlock/redlock_lock.hpp"
#include "agent/fleet/redlock/redlock_register.hpp"
#include "agent/fleet/redlock/redlock_servers.hpp"

namespace jeton::agent {
namespace {

// Kept by the calls under way.
struct RedlockState {
  explicit RedlockState(redlock::Quorum q) : quorum(std::move(q)) {}

  // Runs one call, unless stopped, and keeps what health() says about the last one.
  template <typename T>
  static Task<T> tracked(std::shared_ptr<RedlockState> self, Task<T> call) {
    if (self->stopped) throw TransportError("redlock: stopped");
    try {
      T result = co_await std::move(call);
      self->last_error.clear();
      co_return result;
    } catch (const TransportError& e) {
      self->last_error = e.what();
      throw;
    }
  }
  static Task<> tracked(std::shared_ptr<RedlockState> self, Task<> call) {
    if (self->stopped) throw TransportError("redlock: stopped");
    try {
      co_await std::move(call);
      self->last_error.clear();
    } catch (const TransportError& e) {
      self->last_error = e.what();
      throw;
    }
  }

  // One server after the other: one that is not connected costs no time, and one that hangs its timeout.
  static Task<Findings> examine(redlock::Quorum of, std::vector<Subject> tokens) {
    Findings found;
    std::size_t connected = 0;
    for (const auto& server : of->servers) {
      const ServerTerms terms{.in_quorum = true};
      if (server->is_connected()) ++connected;
      Findings one = co_await examine_server(server, terms, tokens);
      for (Finding& finding : one) found.push_back(std::move(finding));
    }
    const std::size_t all = of->servers.size();
    const bool whole = connected == all;
    const bool enough = connected >= of->majority();
    Finding finding{whole    ? Finding::Level::ok
                    : enough ? Finding::Level::warning
                             : Finding::Level::problem,
                    "redlock", std::to_string(connected) + " of " + std::to_string(all) + " servers are connected"};
    if (!enough) finding.text += ", which is no majority: nothing is fetched and no lock is given";
    if (!whole) finding.remedy = "systemctl status redis-server   # on each server that is not connected";
    found.push_back(std::move(finding));
    co_return found;
  }

  redlock::Quorum quorum;
  TokenSubjects subjects;
  std::string last_error;
  bool stopped = false;
};

class RedlockCoordinator final : public Coordinator {
  using State = RedlockState;

 public:
  explicit RedlockCoordinator(redlock::Quorum quorum)
      : state_(std::make_shared<State>(std::move(quorum))), use_(state_->quorum->servers) {}
  ~RedlockCoordinator() override { stop(); }

  Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) override {
    LockClaim claim{.owner = new_owner_id(quorum()->random), .ttl = ttl};
    return State::tracked(state_, redlock::try_acquire(quorum(), state_->subjects.of(name), std::move(claim)));
  }
  Task<bool> renew(const std::string& name, Lease& lease) override {
    return State::tracked(state_, redlock::renew(quorum(), state_->subjects.of(name), lease));
  }
  Task<> release(const std::string& name, const Lease& lease) override {
    return State::tracked(state_, redlock::release(quorum(), state_->subjects.of(name), lease));
  }
  Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) override {
    return State::tracked(state_, redlock::admit(quorum(), state_->subjects.of(name), lease.owner, limits));
  }
  Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) override {
    const auto shared = std::make_shared<const Record>(record);
    return State::tracked(state_, redlock::publish(quorum(), state_->subjects.of(name), shared, lease));
  }
  Task<std::optional<Record>> load(const std::string& name) override {
    return State::tracked(state_, redlock::load(quorum(), state_->subjects.of(name)));
  }
  Task<> pause(const std::string& name, Pause pause) override {
    return State::tracked(state_, redlock::pause(quorum(), state_->subjects.of(name), std::move(pause)));
  }
  Task<> resume(const std::string& name) override {
    return State::tracked(state_, redlock::resume(quorum(), state_->subjects.of(name)));
  }
  Task<> announce_rejection(const std::string& name, Generation generation) override {
    return State::tracked(state_, redlock::announce_rejection(quorum(), state_->subjects.of(name), generation));
  }
  Task<FetchUsage> usage(const std::string& name) override {
    return State::tracked(state_, redlock::usage(quorum(), state_->subjects.of(name)));
  }
  Task<> restore_usage(const std::string& name, FetchUsage usage, Duration window) override {
    return State::tracked(state_, redlock::restore_usage(quorum(), state_->subjects.of(name), usage, window));
  }

  void configure(const std::string& name, const TokenTerms& terms) override { state_->subjects.configure(name, terms); }
  void prune_except(const std::set<std::string>& /*names*/) override {}  // nothing of a token is kept on this host
  void subscribe(const std::string& name, FleetListener* listener) override {
    quorum()->notifications->subscribe(quorum()->servers, state_->subjects.of(name), listener);
  }

  [[nodiscard]] BackendHealth health() const override {
    BackendHealth health = quorum_health(*quorum());
    if (health.last_error.empty()) health.last_error = state_->last_error;
    return health;
  }
  Task<Findings> examine() override { return State::examine(quorum(), state_->subjects.all()); }
  void clock_stepped() override {
    for (const auto& server : quorum()->servers) server->forget_clock();
  }
  void start() override { use_.start(); }
  // Waits for commands to servers that answer, within one command's timeout.
  void stop() override {
    state_->stopped = true;
    use_.stop();
    quorum()->notifications->unsubscribe_all(quorum()->servers, Subject::Kind::token);
  }

 private:
  [[nodiscard]] const redlock::Quorum& quorum() const { return state_->quorum; }

  std::shared_ptr<State> state_;
  ServerUse use_;
};

}  // namespace

Backends make_redlock_backends(Timers& timers, Random& random, const RedlockOptions& options) {
  const redlock::Quorum quorum = make_redlock_quorum(timers, random, options);
  return {std::make_unique<RedlockCoordinator>(quorum), make_redlock_lock_store(quorum)};
}

}  // namespace jeton::agent
