// A coordinator on a real Redis Cluster whose slots move and whose nodes die.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

#include "agent/base/error.hpp"
#include "tests/integration/backends/cluster_fixture.hpp"
#include "tests/support/documented_user.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using testing::HasSubstr;

class ClusterSlots : public testing::Test {
 protected:
  static constexpr const char* updater = "jeton:{t}:updater";
  static constexpr const char* token = "jeton:{t}:token";

  // Whether a node has refused something with this error.
  [[nodiscard]] static bool has_said(const test::RedisServer& node, const std::string& error) {
    return node.cli({"INFO", "errorstats"}).find("errorstat_" + error + ":") != std::string::npos;
  }
  // The lock, from a host whose commands may fail for a while.
  Lease acquire_when_possible(test::Host& host) {
    std::optional<Lease> lease;
    EXPECT_TRUE(loop.turn_until([&] {
      try {
        lease = host.call.try_acquire(60s).lease;
      } catch (const TransportError&) {
        // Not yet.
      }
      return lease.has_value();
    }));
    return lease.value_or(Lease{});
  }

  test::Loop loop;
  test::RedisCluster cluster;
};

TEST_F(ClusterSlots, SlotIsMoved_IsFollowedToItsNewNode) {
  test::Host host(loop, test::cluster_options(loop, cluster));
  Lease lease = host.call.acquire(60s);
  test::RedisServer& from = cluster.holder(token);
  test::RedisServer& to = cluster.other_than({&from});
  cluster.move_slot(cluster.slot_of(token), from, to);
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_TRUE(has_said(from, "MOVED"));
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_EQ(to.cli({"HGET", token, "generation"}), std::to_string(lease.fence));
  EXPECT_GT(host.call.acquire(60s).fence, lease.fence);
}

TEST_F(ClusterSlots, KeyIsMigratedAlready_IsAskedForAtItsNewNode) {
  test::Host host(loop, test::cluster_options(loop, cluster));
  Lease lease = host.call.acquire(60s);
  test::RedisServer& from = cluster.holder(token);
  test::RedisServer& to = cluster.other_than({&from});
  cluster.begin_migration(cluster.slot_of(token), from, to);
  cluster.migrate_key(updater, from, to);
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_TRUE(has_said(from, "ASK"));
  EXPECT_EQ(cluster.slot_of(token), cluster.slot_of(updater));
  host.call.release(lease);
  EXPECT_FALSE(host.call.renew(lease)) << "it was not released";
}

TEST_F(ClusterSlots, KeysAreOnBothNodes_ScriptWaitsForTheEndOfTheMove) {
  test::Host host(loop, test::cluster_options(loop, cluster));
  const Lease first = host.call.acquire(60s);
  EXPECT_TRUE(host.call.publish(make_record(loop, first.fence, "first"), first).stored);
  const Lease second = host.call.acquire(60s);
  test::RedisServer& from = cluster.holder(token);
  test::RedisServer& to = cluster.other_than({&from});
  const std::string slot = cluster.slot_of(token);
  cluster.begin_migration(slot, from, to);
  cluster.migrate_key(updater, from, to);

  std::optional<PublishResult> result;
  boost::asio::co_spawn(loop.context, host.coordinator.publish("t", make_record(loop, second.fence, "second"), second),
                        [&](std::exception_ptr, PublishResult answer) { result = std::move(answer); });
  ASSERT_TRUE(loop.turn_until([&] { return has_said(from, "TRYAGAIN") || has_said(to, "TRYAGAIN"); }));
  EXPECT_FALSE(result);
  cluster.end_migration(slot, from, to);
  ASSERT_TRUE(loop.turn_until([&] { return result.has_value(); }));
  EXPECT_TRUE(result->stored);
  EXPECT_EQ(to.cli({"HGET", token, "generation"}), std::to_string(second.fence));
}

TEST_F(ClusterSlots, ReplicaTakesOver_IsFollowedAndFencesRise) {
  test::RedisServer& holder = cluster.holder(token);
  test::RedisServer& replica = cluster.add_replica(holder);
  test::Host host(loop, test::cluster_options(loop, cluster, 5s));
  const Lease lease = acquire_when_possible(host);
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  ASSERT_TRUE(test::eventually([&] { return replica.cli({"DBSIZE"}) == holder.cli({"DBSIZE"}); }));
  holder.kill();
  const Lease next = acquire_when_possible(host);
  EXPECT_GT(next.fence, lease.fence);
  const auto record = host.call.load();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->generation, lease.fence);
}

TEST_F(ClusterSlots, NodeWithoutOurKeysDies_CallsSucceed) {
  // Not the one of the clock either; it is asked for the time now and then.
  test::RedisServer& holder = cluster.holder(token);
  test::RedisServer& bystander = cluster.other_than({&holder, &cluster.holder(RedisKeys::clock("jeton"))});
  test::Host host(loop, test::cluster_options(loop, cluster));
  Lease lease = host.call.acquire(60s);
  bystander.kill();
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
}

TEST_F(ClusterSlots, SlotHasNoNode_ErrorSaysSo) {
  test::Host host(loop, test::cluster_options(loop, cluster, 1s));
  Lease lease = acquire_when_possible(host);
  cluster.holder(token).kill();
  std::string error;
  EXPECT_TRUE(loop.turn_until([&] {
    try {
      static_cast<void>(host.call.renew(lease));
    } catch (const TransportError& e) {
      error = e.what();
    }
    return error.find("connection refused") != std::string::npos || error.find("no node") != std::string::npos;
  })) << error;
}

TEST_F(ClusterSlots, UserHasTheDocumentedPermissions_EveryCallSucceeds) {
  for (std::size_t i = 0; i < test::RedisCluster::primaries(); ++i) {
    ASSERT_EQ(cluster.primary(i).cli(test::documented_user("s3cret", {"+cluster|slots", "+cluster|info", "+asking"})),
              "OK");
  }
  auto options = test::cluster_options(loop, cluster, test::patience, "agent", "s3cret");
  test::Host host(loop, std::move(options));
  host.listen();
  Lease lease = host.call.acquire(60s);
  test::RedisServer& from = cluster.holder(token);
  test::RedisServer& to = cluster.other_than({&from});
  const std::string slot = cluster.slot_of(token);
  cluster.begin_migration(slot, from, to);
  cluster.migrate_key(updater, from, to);
  EXPECT_TRUE(host.call.renew(lease)) << "ASKING";
  cluster.end_migration(slot, from, to);
  EXPECT_TRUE(host.call.admit(lease, {}).admitted());
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(host.call.load());
  host.call.pause(10s, "429");
  EXPECT_TRUE(loop.turn_until([&] { return !host.listener.records.empty() && !host.listener.pauses.empty(); }));
  for (std::size_t i = 0; i < test::RedisCluster::primaries(); ++i) {
    EXPECT_EQ(cluster.primary(i).cli({"ACL", "LOG"}), "") << "something was refused";
  }
}

TEST_F(ClusterSlots, OneConfiguredNodeIsDown_ClusterIsFoundByAnother) {
  cluster.other_than({&cluster.holder(token), &cluster.holder(RedisKeys::clock("jeton"))}).kill();
  test::Host host(loop, test::cluster_options(loop, cluster));
  EXPECT_NO_THROW(static_cast<void>(host.call.acquire(60s)));
  EXPECT_TRUE(host.coordinator.health().reachable);
  EXPECT_THAT(host.coordinator.health().endpoint, HasSubstr("nodes via redis://127.0.0.1:"));
}

}  // namespace
}  // namespace jeton::agent
