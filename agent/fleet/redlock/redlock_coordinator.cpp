// The coordinator on a quorum (redlock_backend.hpp).
#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/server_check.hpp"
#include "agent/fleet/redis/server_use.hpp"
#include "agent/fleet/redlock/redlock_fetches.hpp"
#include "agent/fleet/redlock/redlock_lock.hpp"
#include "agent/fleet/redlock/redlock_register.hpp"

namespace jeton::agent {
namespace {

// One server after the other: one that is not connected costs no time, and one that hangs its timeout.
Task<Findings> examine_quorum(redlock::Quorum of, std::vector<Subject> tokens) {
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

Task<std::optional<Record>> load_in_place(std::shared_ptr<TokenCalls> calls, redlock::Quorum from, Subject subject) {
  const auto is_connected = [](const std::shared_ptr<RedisServer>& server) { return server->is_connected(); };
  const auto count = [&] { return std::count_if(from->servers.begin(), from->servers.end(), is_connected); };
  const auto majority = static_cast<std::ptrdiff_t>(from->majority());
  std::shared_ptr<Places::Place> place;
  do {
    place = co_await calls->loads.wait(from->deadline());
  } while (!place && count() >= majority);
  std::optional<Record> newest = co_await redlock::load(from, std::move(subject));
  co_return newest;
}

class RedlockCoordinator final : public Coordinator {
 public:
  explicit RedlockCoordinator(redlock::Quorum quorum)
      : quorum_(std::move(quorum)), calls_(std::make_shared<TokenCalls>(quorum_->timers)), use_(quorum_->servers) {}
  ~RedlockCoordinator() override { stop(); }

  Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) override {
    AcquireRequest request{.owner = new_owner_id(quorum_->random), .ttl = ttl};
    return run(redlock::try_acquire(quorum_, subject(name), std::move(request)));
  }
  Task<bool> renew(const std::string& name, Lease& lease) override {
    return run(redlock::renew(quorum_, subject(name), lease));
  }
  Task<> release(const std::string& name, const Lease& lease) override {
    return run(redlock::release(quorum_, subject(name), lease));
  }
  Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) override {
    return run(redlock::admit(quorum_, subject(name), lease.owner, limits));
  }
  Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) override {
    return run(redlock::publish(quorum_, subject(name), std::make_shared<const Record>(record), lease));
  }
  Task<std::optional<Record>> load(const std::string& name) override {
    return run(load_in_place(calls_, quorum_, subject(name)));
  }
  Task<> pause(const std::string& name, Pause pause) override {
    return run(redlock::pause(quorum_, subject(name), std::move(pause)));
  }
  Task<> resume(const std::string& name, ResumeReason reason) override {
    return run(redlock::resume(quorum_, subject(name), reason));
  }
  Task<> announce_rejection(const std::string& name, Generation generation) override {
    return run(redlock::announce_rejection(quorum_, subject(name), generation));
  }
  Task<FetchUsage> usage(const std::string& name) override { return run(redlock::usage(quorum_, subject(name))); }
  Task<> restore_usage(const std::string& name, FetchUsage usage, const FetchLimits& limits) override {
    return run(redlock::restore_usage(quorum_, subject(name), usage, limits));
  }

  void configure(const std::string& name, const TokenTerms& terms) override { calls_->subjects.configure(name, terms); }
  void prune_except(const std::set<std::string>& names) override { calls_->subjects.prune_except(names); }
  void subscribe(const std::string& name, FleetListener* listener) override {
    quorum_->notifications->subscribe(quorum_->servers, subject(name), listener);
  }
  // A loss of one server is not reported by the others.
  [[nodiscard]] bool reports_losses(const std::string& name) const override {
    const Subject token = subject(name);
    return std::all_of(quorum_->servers.begin(), quorum_->servers.end(),
                       [&](const auto& server) { return server->notifications().reports_losses(token); });
  }

  [[nodiscard]] BackendHealth health() const override {
    BackendHealth health = quorum_health(*quorum_);
    if (health.last_error.empty()) health.last_error = calls_->trouble.text;
    return health;
  }
  Task<Findings> examine() override { return examine_quorum(quorum_, calls_->subjects.all()); }
  void clock_stepped() override {
    for (const auto& server : quorum_->servers) server->forget_clock();
  }
  void start() override { use_.start(); }
  // Waits for commands to servers that answer, within one command's timeout.
  void stop() override {
    calls_->stopped = true;
    use_.stop();
    quorum_->notifications->unsubscribe_all(quorum_->servers, Subject::Kind::token);
  }

 private:
  [[nodiscard]] Subject subject(const std::string& name) const { return calls_->subjects.of(name); }
  template <typename T>
  [[nodiscard]] Task<T> run(Task<T> call) const {
    return tracked(calls_, "redlock", std::move(call));
  }

  redlock::Quorum quorum_;
  std::shared_ptr<TokenCalls> calls_;
  ServerUse use_;
};

}  // namespace

Backends make_redlock_backends(Timers& timers, Random& random, const RedlockOptions& options) {
  const redlock::Quorum quorum = make_redlock_quorum(timers, random, options);
  return {std::make_unique<RedlockCoordinator>(quorum), make_redlock_lock_store(quorum)};
}

}  // namespace jeton::agent
