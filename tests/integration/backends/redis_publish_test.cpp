// Publications, messages and the server's clock, with two hosts on a real redis-server.
#include <gmock/gmock.h>

#include "agent/base/boot_timers.hpp"
#include "agent/base/error.hpp"
#include "tests/integration/backends/redis_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using testing::HasSubstr;

using RedisPublish = test::RedisCoordination;

TEST_F(RedisPublish, RecordIsLost_ListenerHearsItOverAnOpenConnection) {
  a.listen();
  b.coordinator.subscribe("other", &b.listener);
  ASSERT_TRUE(loop.turn_until([&] { return b.listener.gaps > 0; }));
  server.cli({"FLUSHALL"});
  EXPECT_TRUE(loop.turn_until([&] { return a.listener.losses == 1 && b.listener.losses == 1; }));
  server.cli({"HSET", token, "generation", "1"});
  EXPECT_TRUE(loop.turn_until([&] { return a.listener.losses == 2; }));
  server.cli({"DEL", token});
  EXPECT_TRUE(loop.turn_until([&] { return a.listener.losses == 3; }));
  EXPECT_EQ(b.listener.losses, 1) << "the key of another token";
}

TEST_F(RedisPublish, UserMayNotWatchKeys_StillHearsMessages) {
  server.cli({"ACL", "SETUSER", "plain", "on", ">x", "~*", "&jeton:*", "+@all", "-client|tracking"});
  server.cli({"ACL", "SETUSER", "deaf", "on", ">x", "~*", "&jeton:*", "+@all"});  // not to the server's own channel
  for (const char* user : {"plain", "deaf"}) {
    auto options = test::redis_options(server);
    options.connection.username = [user] { return SecretString(user); };
    options.connection.password = [] { return SecretString("x"); };
    test::Host host(loop, std::move(options));
    host.listen();
    const Lease lease = a.call.acquire(60s);
    a.call.publish(make_record(loop, lease.fence, "x"), lease);
    EXPECT_TRUE(loop.turn_until([&] { return host.listener.records.size() == 1; })) << user;
  }
}

}  // namespace
}  // namespace jeton::agent
