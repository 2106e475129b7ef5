// Sentinels that disagree, or name what is no primary.
#include <gmock/gmock.h>

#include "agent/fleet/redis/client/sentinel_resolver.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::MemoryServer;
using test::MemoryServers;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SentinelTrouble : public testing::Test {
 protected:
  SentinelTrouble() {
    for (int i = 0; i < 3; ++i) names(i, first);
  }

  // As real sentinels do: the epoch is 0 until the first failover.
  void names(int sentinel, const std::string& host) {
    using Reply = MemoryServer::Reply;
    servers[2 + static_cast<std::size_t>(sentinel)].answer("SENTINEL", [host](const MemoryServer::Words& words) {
      if (words.at(1) == "MASTER") return Reply::array({Reply::bulk("config-epoch"), Reply::bulk("0")});
      return Reply::array({Reply::bulk(host), Reply::bulk("6379")});
    });
  }
  RedisOptions options() {
    redis::SentinelOptions sentinels;
    sentinels.master = "jeton";
    for (std::size_t i = 2; i < 5; ++i) sentinels.sentinels.push_back(MemoryServers::address(i));
    sentinels.connect = servers.network().connector();
    sentinels.resolve = servers.network().resolver();
    RedisOptions options;
    options.connection = servers.connection(0, 500ms);
    options.connection.endpoint_resolver =
        std::make_shared<redis::SentinelResolver>(loop.timers, loop.random, std::move(sentinels));
    return options;
  }

  const std::string first = MemoryServers::address(0).host;
  const std::string second = MemoryServers::address(1).host;
  test::VirtualLoop loop;
  MemoryServers servers{loop, 5};
};

// resolve-hostnames and announce-hostnames are not the same on all of them.
TEST_F(SentinelTrouble, OneNamesThePrimaryByItsHostName_ConnectionsAreKeptAndItIsSaid) {
  servers.network().set_name("redis.example", {first});
  names(1, "redis.example");
  testing::internal::CaptureStderr();
  test::Host host(loop, options());
  host.listen();
  loop.pass(10s);
  const auto made = servers[0].commands("HELLO");
  loop.pass(10min);
  EXPECT_EQ(servers[0].commands("HELLO"), made);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("sentinels name different primaries"), HasSubstr("redis.example"),
                    Not(HasSubstr("out of reach: sentinel"))));
}

TEST_F(SentinelTrouble, NameAnotherPrimaryWithoutAFailover_ItIsFollowedWhenMoreDo) {
  test::Host host(loop, options());
  host.listen();
  names(0, second);
  loop.pass(1min);
  EXPECT_EQ(servers[1].connections(), 0U);
  names(2, second);
  loop.pass(1min);
  EXPECT_EQ(servers[0].connections(), 0U);
  EXPECT_TRUE(host.call.try_acquire(1h).lease);
}

TEST_F(SentinelTrouble, NameASentinel_ThatIsSaid) {
  servers[0].set_mode("sentinel");
  test::Host host(loop, options());
  EXPECT_THROW(host.call.try_acquire(1s), TransportError);
  EXPECT_THAT(host.coordinator.health().last_error,
              AllOf(HasSubstr("sentinel monitor"), Not(HasSubstr("coordination.redis.sentinel.endpoints"))));
}

TEST_F(SentinelTrouble, NameWhatIsNoHost_IsRefusedAndNotRepeated) {
  for (const std::string& host : {std::string("10.0.0.1\n<3>jeton-agent: all is well"), std::string("10.0.0.1\0", 9),
                                  std::string("a b"), std::string(256, 'a'), std::string(1'000'000, 'a')}) {
    for (int i = 0; i < 3; ++i) names(i, host);
    test::Host fresh(loop, options());
    EXPECT_THROW(fresh.call.try_acquire(1s), TransportError);
    const std::string error = fresh.coordinator.health().last_error;
    EXPECT_THAT(error, HasSubstr("named no address that can be connected to"));
    EXPECT_LT(error.size(), 1000U);
  }
}

}  // namespace
}  // namespace jeton::agent
