// The coordinator on one RedisServer.
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/redis_lock_store.hpp"
#include "agent/fleet/redis/server_check.hpp"

namespace jeton::agent {
namespace {

// Kept by the calls under way.
struct CoordinatorState {
  using Self = std::shared_ptr<CoordinatorState>;

  explicit CoordinatorState(std::shared_ptr<RedisServer> s) : server(std::move(s)) {}

  // Runs one call, unless stopped, and keeps what health() says about the last one.
  template <typename T>
  static Task<T> tracked(Self self, Task<T> call) {
    if (self->stopped) throw TransportError(self->server->display() + ": stopped");
    try {
      T result = co_await std::move(call);
      self->trouble = {};
      co_return result;
    } catch (const redis::ServerError& e) {
      self->trouble = {e.what(), true, e.is_about_access()};
      throw;
    } catch (const TransportError& e) {
      self->trouble = {e.what()};
      throw;
    }
  }

  static Task<bool> release(Self self, Subject subject, std::string owner) {
    const RedisKeys keys = self->server->keys_of(subject);
    co_return co_await self->server->operations().release(keys, owner, self->server->deadline());
  }

  static Task<Admission> admit(Self self, Subject subject, std::string owner, FetchLimits limits) {
    RedisServer& server = *self->server;
    const RedisKeys keys = server.keys_of(subject);
    const auto answer = co_await server.operations().admit(keys, owner, limits, server.deadline());
    Admission admission;
    admission.refusal = answer.refusal;
    admission.calls_used = answer.calls;
    admission.retry_at = server.now() + answer.wait;
    admission.window_end = server.now() + answer.window_left;
    co_return admission;
  }

  static Task<PublishResult> publish(Self self, Subject subject, std::shared_ptr<const Record> record,
                                     std::string owner) {
    RedisServer::Stored stored = co_await self->server->publish(subject, record, owner, self->server->deadline());
    co_return PublishResult{stored.stored, std::move(stored.record)};
  }

  static Task<std::optional<Record>> load(Self self, Subject subject) {
    RedisServer::Loaded loaded = co_await self->server->load(subject, self->server->deadline());
    co_return std::move(loaded.record);
  }

  // A lost connection is back. The server may refuse the same request again, unless another server was looked for.
  void connected(bool follows) {
    if (trouble.text.empty() || (trouble.refused && (!follows || trouble.access))) return;
    trouble = {};
    server->notifications().notify_resync();  // the failed call may have been the check for lost data
  }

  // An agent of the fleet has written: the server takes writes (again).
  void written() {
    if (!trouble.access) trouble = {};
  }

  // The error of the last call. A quiet agent makes no call for hours, so an event that shows the end of the error
  // also clears it.
  struct Trouble {
    std::string text{};    // empty: none
    bool refused = false;  // the server answered with an error
    bool access = false;   // about this agent's rights
  };

  std::shared_ptr<RedisServer> server;
  TokenSubjects subjects;
  Trouble trouble;
  bool stopped = false;
};

class RedisCoordinator final : public Coordinator {
  using State = CoordinatorState;

 public:
  RedisCoordinator(const std::shared_ptr<RedisServer>& server, ServerTerms terms)
      : state_(std::make_shared<State>(server)), terms_(terms), use_({server}) {
    const std::weak_ptr<State> weak = state_;
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
    LockClaim claim{.owner = new_owner_id(state_->server->random()), .ttl = ttl};
    return State::tracked(state_, state_->server->try_acquire(state_->subjects.of(name), std::move(claim)));
  }
  Task<bool> renew(const std::string& name, Lease& lease) override {
    return State::tracked(state_, state_->server->renew(state_->subjects.of(name), lease, state_->server->deadline()));
  }
  Task<> release(const std::string& name, const Lease& lease) override {
    co_await State::tracked(state_, State::release(state_, state_->subjects.of(name), lease.owner));
  }
  Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) override {
    return State::tracked(state_, State::admit(state_, state_->subjects.of(name), lease.owner, limits));
  }
  Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) override {
    const auto shared = std::make_shared<const Record>(record);
    return State::tracked(state_, State::publish(state_, state_->subjects.of(name), shared, lease.owner));
  }
  Task<std::optional<Record>> load(const std::string& name) override {
    return State::tracked(state_, State::load(state_, state_->subjects.of(name)));
  }
  Task<> pause(const std::string& name, Pause pause) override {
    RedisServer& server = *state_->server;
    if (pause.until <= server.now()) co_return;
    co_await State::tracked(state_, server.pause(state_->subjects.of(name), std::move(pause), server.deadline()));
  }
  Task<> resume(const std::string& name) override {
    co_await State::tracked(state_, state_->server->resume(state_->subjects.of(name), state_->server->deadline()));
  }
  Task<> announce_rejection(const std::string& name, Generation generation) override {
    RedisServer& server = *state_->server;
    co_await State::tracked(state_,
                            server.announce_rejection(state_->subjects.of(name), generation, server.deadline()));
  }
  Task<FetchUsage> usage(const std::string& name) override {
    return State::tracked(state_, state_->server->usage(state_->subjects.of(name), state_->server->deadline()));
  }
  Task<> restore_usage(const std::string& name, FetchUsage usage, Duration window) override {
    RedisServer& server = *state_->server;
    co_await State::tracked(state_, server.restore_usage(state_->subjects.of(name), usage, window, server.deadline()));
  }

  void configure(const std::string& name, const TokenTerms& terms) override { state_->subjects.configure(name, terms); }
  void prune_except(const std::set<std::string>& /*names*/) override {}  // nothing of a token is kept on this host
  void subscribe(const std::string& name, FleetListener* listener) override {
    state_->server->notifications().subscribe(state_->subjects.of(name), listener);
  }

  [[nodiscard]] BackendHealth health() const override {
    const RedisServer& server = *state_->server;
    BackendHealth health;
    health.backend = "redis";
    health.endpoint = server.display();
    health.reachable = server.is_connected();
    health.last_error = health.reachable ? state_->trouble.text : server.last_error();
    health.clock_offset = server.clock_offset().value_or(Milliseconds{0});
    return health;
  }
  Task<Findings> examine() override { return examine_server(state_->server, terms_, state_->subjects.all()); }
  void clock_stepped() override { state_->server->forget_clock(); }
  void start() override { use_.start(); }
  void stop() override {
    state_->stopped = true;
    use_.stop();
    state_->server->notifications().unsubscribe_all(Subject::Kind::token);
  }

 private:
  std::shared_ptr<CoordinatorState> state_;
  ServerTerms terms_;
  ServerUse use_;
};

}  // namespace

Backends make_redis_backends(Timers& timers, Random& random, RedisOptions options) {
  const ServerTerms terms{.replicas_acked = options.replicas_acked,
                          .follows = options.connection.endpoint_resolver != nullptr};
  const auto server = std::make_shared<RedisServer>(timers, random, std::move(options));
  return {std::make_unique<RedisCoordinator>(server, terms), make_redis_lock_store(server)};
}

}  // namespace jeton::agent
