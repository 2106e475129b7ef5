// The redis coordinator when the server is killed, stopped, locked or of another mind.
#include <gmock/gmock.h>
#include <signal.h>

#include "agent/base/error.hpp"
#include "agent/fleet/backend/factory.hpp"
#include "tests/integration/backends/redis_fixture.hpp"
#include "tests/support/documented_user.hpp"
#include "tests/support/redis_command.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using testing::HasSubstr;

using RedisOutage = test::RedisCoordination;

// The call ends with a TransportError, whose message is returned.
std::string failure_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const TransportError& e) {
    return e.what();
  }
  ADD_FAILURE() << "no TransportError";
  return {};
}

TEST_F(RedisOutage, ServerIsStopped_IsNeverReadAsBusyLostOrEmpty) {
  test::Host host(loop, unanswered());
  ASSERT_TRUE(connects(host));
  Lease lease = a.call.acquire(1h);
  const BootTime valid_until = lease.valid_until;
  server.signal(SIGSTOP);
  EXPECT_NE(failure_of([&] { host.call.try_acquire(1s); }), "");
  EXPECT_NE(failure_of([&] { host.call.renew(lease); }), "");
  EXPECT_NE(failure_of([&] { host.call.release(lease); }), "");
  EXPECT_NE(failure_of([&] { host.call.admit(lease, FetchLimits{}); }), "");
  EXPECT_NE(failure_of([&] { host.call.publish(make_record(loop, lease.fence, "x"), lease); }), "");
  EXPECT_NE(failure_of([&] { static_cast<void>(host.call.load()); }), "");
  EXPECT_NE(failure_of([&] { host.call.pause(1s, "x"); }), "");
  EXPECT_EQ(lease.valid_until, valid_until);
  EXPECT_FALSE(host.coordinator.health().reachable);
  EXPECT_NE(host.coordinator.health().last_error, "");
  server.signal(SIGCONT);
}

TEST_F(RedisOutage, ServerIsAbsent_ErrorNamesIt) {
  auto options = unanswered();
  options.connection.address.path = "/nonexistent/redis.sock";
  test::Host host(loop, std::move(options));
  ASSERT_TRUE(loop.turn_until([&] { return !host.coordinator.health().last_error.empty(); }));
  EXPECT_THAT(failure_of([&] { host.call.try_acquire(1s); }),
              HasSubstr("unix:///nonexistent/redis.sock?db=0: no such file or directory"));
}

TEST_F(RedisOutage, UserHasTheDocumentedPermissions_EveryCallSucceeds) {
  ASSERT_EQ(server.cli(test::documented_user("hunter2")), "OK");
  auto options = test::redis_options(server);
  options.connection.username = [] { return SecretString("agent"); };
  options.connection.password = [] { return SecretString("hunter2"); };
  test::Host host(loop, std::move(options));
  host.listen();
  Lease lease = host.call.acquire(60s);
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_TRUE(host.call.admit(lease, FetchLimits{1s, 5, 1h}).admitted());
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(host.call.load());
  host.call.release(host.call.acquire(60s));
  host.call.pause(60s, "x");
  EXPECT_TRUE(loop.turn_until([&] { return !host.listener.records.empty() && !host.listener.pauses.empty(); }));
  loop.run(host.coordinator.announce_rejection("t", lease.fence));
  loop.run(host.coordinator.resume("t", ResumeReason::operator_asked));
  const FetchUsage usage = loop.run(host.coordinator.usage("t"));
  EXPECT_EQ(usage.calls, 1U);

  // What the server tells of a loss of its data, and what it is given back.
  server.cli({"FLUSHALL"});
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.losses > 0; }));
  loop.run(host.coordinator.restore_usage("t", usage, {.budget_window = 1h}));
  EXPECT_EQ(loop.run(host.coordinator.usage("t")).calls, 1U);
  lease = host.call.acquire(60s);
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_EQ(server.cli({"ACL", "LOG"}), "") << "something was refused";
}

TEST_F(RedisOutage, PermissionIsMissing_ErrorSaysWhatToDo) {
  server.cli({"ACL", "SETUSER", "agent", "on", ">hunter2", "~other:*", "&other:*", "+@all"});
  auto options = test::redis_options(server);
  options.connection.username = [] { return SecretString("agent"); };
  options.connection.password = [] { return SecretString("hunter2"); };
  test::Host host(loop, std::move(options));
  ASSERT_TRUE(connects(host));
  const std::string message = failure_of([&] { host.call.try_acquire(1s); });
  EXPECT_THAT(message, HasSubstr("NOPERM"));
  EXPECT_THAT(message, HasSubstr("coordination.prefix"));
}

TEST_F(RedisOutage, ScriptFailsAfterTheLockIsTaken_LockIsGivenBack) {
  // PUBLISH, the last step of the acquisition, is not permitted.
  server.cli({"ACL", "SETUSER", "agent", "on", ">hunter2", "~jeton:*", "&other:*", "+@all"});
  auto options = test::redis_options(server);
  options.connection.username = [] { return SecretString("agent"); };
  options.connection.password = [] { return SecretString("hunter2"); };
  test::Host host(loop, std::move(options));
  ASSERT_TRUE(connects(host));
  EXPECT_THAT(failure_of([&] { host.call.try_acquire(1h); }), HasSubstr("grant the ACL user"));
  EXPECT_TRUE(exists(fence));
  EXPECT_TRUE(loop.eventually([&] { return !exists(updater); }));
}

TEST_F(RedisOutage, ServerIsAReadOnlyReplica_ErrorSaysWhatToDo) {
  server.cli({"REPLICAOF", "127.0.0.1", "1"});
  const std::string message = failure_of([&] { a.call.try_acquire(1s); });
  EXPECT_THAT(message, testing::AnyOf(HasSubstr("READONLY"), HasSubstr("MASTERDOWN")));
  EXPECT_THAT(message, HasSubstr("replica"));
}

TEST_F(RedisOutage, ServerIsFull_ErrorSaysWhatToDo) {
  server.cli({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THAT(failure_of([&] { a.call.try_acquire(1s); }), HasSubstr("maxmemory"));
}

TEST_F(RedisOutage, ServerWasFullAndOthersWriteAgain_ErrorIsCleared) {
  a.listen();
  server.cli({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THAT(failure_of([&] { a.call.try_acquire(1s); }), HasSubstr("OOM"));
  EXPECT_THAT(a.coordinator.health().last_error, HasSubstr("OOM"));
  server.cli({"CONFIG", "SET", "maxmemory", "0"});
  b.call.release(b.call.acquire_eventually(60s));
  EXPECT_TRUE(loop.turn_until([&] { return a.coordinator.health().last_error.empty(); }));
}

TEST_F(RedisOutage, OwnPermissionIsMissing_ErrorStaysWhenOthersWrite) {
  server.cli({"ACL", "SETUSER", "agent", "on", ">hunter2", "~jeton:*", "&jeton:*", "+@all", "-set"});
  auto options = test::redis_options(server);
  options.connection.username = [] { return SecretString("agent"); };
  options.connection.password = [] { return SecretString("hunter2"); };
  test::Host host(loop, std::move(options));
  host.listen();
  EXPECT_THAT(failure_of([&] { host.call.try_acquire(1s); }), HasSubstr("grant the ACL user"));
  b.call.acquire(60s);
  ASSERT_TRUE(loop.turn_until([&] { return !host.listener.claims.empty(); }));
  EXPECT_THAT(host.coordinator.health().last_error, HasSubstr("grant the ACL user"));
}

class Named final : public redis::EndpointResolver {
 public:
  explicit Named(const std::uint16_t& port) : port_(port) {}
  Task<redis::Address> resolve(BootTime /*deadline*/) override {
    redis::Address address;
    address.host = "127.0.0.1";
    address.port = port_;
    co_return address;
  }
  [[nodiscard]] bool wants_primary() const override { return true; }

 private:
  const std::uint16_t& port_;
};

TEST_F(RedisOutage, PrimaryIsDemoted_ErrorIsClearedAtTheNewOne) {
  const test::RedisServer other;
  std::uint16_t port = server.port();
  auto options = test::redis_options(server);
  options.connection.endpoint_resolver = std::make_shared<Named>(port);
  test::Host host(loop, std::move(options));
  ASSERT_TRUE(host.call.load() == std::nullopt);
  server.cli({"REPLICAOF", "127.0.0.1", std::to_string(other.port())});
  EXPECT_THAT(failure_of([&] { host.call.try_acquire(1s); }), HasSubstr("READONLY"));
  EXPECT_THAT(host.coordinator.health().last_error, HasSubstr("READONLY"));
  port = other.port();
  EXPECT_TRUE(loop.turn_until([&] {
    const auto health = host.coordinator.health();
    return health.reachable && health.last_error.empty();
  }));
  EXPECT_EQ(host.coordinator.health().endpoint, other.tcp_url());
  EXPECT_TRUE(host.call.try_acquire(60s).lease);
}

TEST_F(RedisOutage, ConfigurationNamesABackend_FactoryBuildsIt) {
  server.cli({"CONFIG", "SET", "requirepass", "hunter2"});
  CoordinationConfig config;
  config.backend = CoordinationConfig::Backend::redis;
  config.prefix = "fleet";
  config.redis.emplace();
  RedisEndpoint endpoint;
  endpoint.kind = RedisEndpoint::Kind::unix_socket;
  endpoint.path = server.socket();
  endpoint.database = 1;
  config.redis->servers = endpoint;
  config.redis->access.password = SecretTemplate::literal("hunter2");
  config.redis->access.timeout = test::patience;
  const test::TempDir dir;
  const auto redis = make_backends(config, dir.path(), loop.timers, loop.random).coordinator;
  redis->start();
  const std::string name = "t";
  EXPECT_TRUE(loop.run(redis->try_acquire(name, 60s)).lease);
  EXPECT_EQ(test::redis_command(server.socket(), {"-n", "1", "EXISTS", "fleet:{t}:updater"}, "hunter2"), "1");
  EXPECT_EQ(redis->health().backend, "redis");

  config.backend = CoordinationConfig::Backend::local;
  const auto local = make_backends(config, dir.path(), loop.timers, loop.random).coordinator;
  local->start();
  EXPECT_TRUE(loop.run(local->try_acquire(name, 60s)).lease);
  EXPECT_EQ(local->health().endpoint, (dir / "coordination").string());
}

}  // namespace
}  // namespace jeton::agent
