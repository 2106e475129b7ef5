// replicas_acked: what a failover could lose does not count as a lock, and is logged as a publication.
#include <gmock/gmock.h>
#include <signal.h>

#include "agent/base/error.hpp"
#include "tests/integration/backends/redis_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using testing::HasSubstr;

class RedisReplicas : public test::RedisCoordination {
 protected:
  RedisOptions careful() const {
    auto options = test::redis_options(server);
    options.connection.timeout = 10s;  // half of it is waited for replicas
    options.replicas_acked = 1;
    return options;
  }
  void start_replica() {
    server.cli({"CONFIG", "SET", "repl-diskless-sync-delay", "0"});
    replica.emplace(std::vector<std::string>{"--replicaof", "127.0.0.1", std::to_string(server.port())});
    ASSERT_TRUE(test::eventually([&] {
      return replica->cli({"INFO", "replication"}).find("master_link_status:up") != std::string::npos;
    }));
    ASSERT_TRUE(test::eventually([&] { return server.cli({"WAIT", "1", "100"}) == "1"; }));
  }

  std::optional<test::RedisServer> replica;
};

TEST_F(RedisReplicas, ReplicaIsFrozen_LockAndRecordWaitForIt) {
  start_replica();
  auto options = careful();
  options.connection.timeout = test::patience;
  test::Host host(loop, std::move(options));
  bool frozen = false;
  std::function<bool()> is_at_the_primary;
  std::function<void()> thaw_then = [&] {
    if (!is_at_the_primary()) {
      loop.timers.schedule(loop.clock.boot_now() + 20ms, thaw_then);
      return;
    }
    frozen = false;
    replica->signal(SIGCONT);
  };
  const auto freeze_until = [&](std::function<bool()> condition) {
    replica->signal(SIGSTOP);
    frozen = true;
    is_at_the_primary = std::move(condition);
    thaw_then();
  };
  freeze_until([&] { return exists(updater); });
  const Lease lease = host.call.acquire(60s);
  EXPECT_FALSE(frozen) << "the lock counted before the replica had it";
  EXPECT_EQ(replica->cli({"GET", updater}), lease.owner);
  freeze_until([&] { return !server.cli({"HGET", token, "generation"}).empty(); });
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_FALSE(frozen) << "the publication counted before the replica had it";
  EXPECT_EQ(replica->cli({"HGET", token, "generation"}), std::to_string(lease.fence));
}

TEST_F(RedisReplicas, NoReplicaHasTheLock_DoesNotCountAndIsGivenBack) {
  test::Host host(loop, careful());
  try {
    host.call.try_acquire(1h);
    ADD_FAILURE() << "the lock counted";
  } catch (const TransportError& e) {
    EXPECT_THAT(e.what(), HasSubstr("fewer than 1 replicas have the updater lock in time; repair the replication"));
  }
  EXPECT_TRUE(loop.eventually([&] { return !exists(updater); }));
  EXPECT_THAT(host.coordinator.health().last_error, HasSubstr("replicas"));
}

TEST_F(RedisReplicas, NoReplicaHasThePublication_IsStoredAndLogged) {
  start_replica();
  test::Host host(loop, careful());
  const Lease lease = host.call.acquire(60s);
  replica->kill();
  ASSERT_TRUE(test::eventually([&] { return server.cli({"WAIT", "1", "100"}) == "0"; }));
  testing::internal::CaptureStderr();
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("published, but a failover could lose it"));
}

}  // namespace
}  // namespace jeton::agent
