// The coordinator on one RedisServer.
#include <memory>
#include <utility>

#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/redis_backend.hpp"
#include "agent/fleet/redis/server_check.hpp"
#include "agent/fleet/redis/server_use.hpp"

namespace jeton::agent {
namespace {

struct CoordinatorState : TokenCalls {
  using Self = std::shared_ptr<CoordinatorState>;

  CoordinatorState(Timers& timers, std::shared_ptr<RedisServer> s) : TokenCalls(timers), server(std::move(s)) {}

  static Task<std::optional<Record>> load(Self self, Subject subject) {
    std::shared_ptr<Places::Place> place;
    do {
      place = co_await self->loads.wait(self->server->deadline());
    } while (!place && self->server->is_connected());
    RedisServer::Loaded loaded = co_await self->server->load(subject, self->server->deadline());
    co_return std::move(loaded.record);
  }

  // The server may refuse the same request again, unless another server was looked for.
  void connected(bool follows) {
    if (!trouble.refused || (follows && !trouble.access)) trouble = {};
  }

  // An agent of the fleet has written: the server takes writes (again).
  void written() {
    if (!trouble.access) trouble = {};
  }

  std::shared_ptr<RedisServer> server;
};

class RedisCoordinator final : public Coordinator {
 public:
  RedisCoordinator(Timers& timers, const std::shared_ptr<RedisServer>& server, ServerTerms terms)
      : state_(std::make_shared<CoordinatorState>(timers, server)), terms_(terms), use_({server}) {
    const std::weak_ptr<CoordinatorState> weak = state_;
    const bool follows = terms.follows;
    server->on_connected([weak, follows] {
      if (const auto state = weak.lock()) state->connected(follows);
    });
    server->notifications().on_written([weak] {
      if (const auto state = weak.lock()) state->written();
    });
  }
  ~RedisCoordinator() override { stop(); }

  Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) override {
    AcquireRequest request{.owner = new_owner_id(server().random()), .ttl = ttl};
    return run(server().try_acquire(subject(name), std::move(request)));
  }
  Task<bool> renew(const std::string& name, Lease& lease) override {
    return run(server().renew(subject(name), lease, server().deadline()));
  }
  Task<> release(const std::string& name, const Lease& lease) override {
    co_await run(server().locks().release(keys(name), lease.owner, server().deadline()));
  }
  Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) override {
    return run(server().operations().admit(keys(name), lease, limits, server().deadline()));
  }
  Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) override {
    const auto shared = std::make_shared<const Record>(record);
    return run(server().publish(subject(name), shared, lease.owner, server().deadline()));
  }
  Task<std::optional<Record>> load(const std::string& name) override {
    return run(CoordinatorState::load(state_, subject(name)));
  }
  Task<> pause(const std::string& name, Pause pause) override {
    if (pause.until <= server().now()) co_return;
    co_await run(server().operations().pause(keys(name), pause, server().deadline()));
  }
  Task<> resume(const std::string& name, ResumeReason reason) override {
    co_await run(server().operations().resume(keys(name), reason, server().deadline()));
  }
  Task<> announce_rejection(const std::string& name, Generation generation) override {
    co_await run(server().operations().announce_rejection(keys(name), generation, server().deadline()));
  }
  Task<FetchUsage> usage(const std::string& name) override {
    return run(server().operations().usage(keys(name), server().deadline()));
  }
  Task<> restore_usage(const std::string& name, FetchUsage usage, const FetchLimits& limits) override {
    co_await run(server().operations().restore_usage(keys(name), usage, limits, server().deadline()));
  }

  void configure(const std::string& name, const TokenTerms& terms) override { state_->subjects.configure(name, terms); }
  void prune_except(const std::set<std::string>& names) override { state_->subjects.prune_except(names); }
  void subscribe(const std::string& name, FleetListener* listener) override {
    server().notifications().subscribe(subject(name), listener);
  }
  [[nodiscard]] bool reports_losses(const std::string& name) const override {
    return server().notifications().reports_losses(subject(name));
  }

  [[nodiscard]] BackendHealth health() const override {
    const bool reachable = server().is_connected();
    return {"redis", server().display(), reachable, reachable ? state_->trouble.text : server().last_error(),
            server().clock_offset().value_or(Milliseconds{0})};
  }
  Task<Findings> examine() override { return examine_server(state_->server, terms_, state_->subjects.all()); }
  void clock_stepped() override { server().forget_clock(); }
  void start() override { use_.start(); }
  void stop() override {
    state_->stopped = true;
    use_.stop();
    server().notifications().unsubscribe_all(Subject::Kind::token);
  }

 private:
  [[nodiscard]] RedisServer& server() const { return *state_->server; }
  [[nodiscard]] Subject subject(const std::string& name) const { return state_->subjects.of(name); }
  [[nodiscard]] RedisKeys keys(const std::string& name) const { return server().keys_of(subject(name)); }
  template <typename T>
  [[nodiscard]] Task<T> run(Task<T> call) const {
    return tracked(state_, server().display(), std::move(call));
  }

  std::shared_ptr<CoordinatorState> state_;  // kept by the calls under way
  ServerTerms terms_;
  ServerUse use_;
};

}  // namespace

Backends make_redis_backends(Timers& timers, Random& random, RedisOptions options) {
  const ServerTerms terms{.replicas_acked = options.replicas_acked,
                          .follows = options.connection.endpoint_resolver != nullptr};
  const auto server = std::make_shared<RedisServer>(timers, random, std::move(options));
  return {std::make_unique<RedisCoordinator>(timers, server, terms), make_redis_lock_store(server)};
}

}  // namespace jeton::agent
