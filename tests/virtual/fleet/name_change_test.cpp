// The name of a server leads to another one, while the first goes on: those who begin now go to the other.
#include "agent/fleet/redis/client/sentinel_resolver.hpp"
#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::MemoryServers;

constexpr const char* server_name = "redis.example";
const std::string first_host = MemoryServers::address(0).host;
const std::string second_host = MemoryServers::address(1).host;

class NameChange : public testing::Test {
 protected:
  NameChange() { servers.network().set_name(server_name, {first_host}); }

  redis::ConnectOptions connection() {
    redis::ConnectOptions options = servers.connection(0, 500ms);
    options.address.host = server_name;
    return options;
  }
  RedisOptions by_name() {
    RedisOptions options;
    options.connection = connection();
    return options;
  }
  redis::SentinelOptions sentinel_by_name() {
    redis::SentinelOptions options;
    options.master = "jeton";
    options.sentinels.push_back(connection().address);
    options.connect = servers.network().connector();
    options.resolve = servers.network().resolver();
    return options;
  }
  // How many connections were made to the server by now.
  [[nodiscard]] std::uint64_t greetings(std::size_t server) const { return servers[server].commands("HELLO"); }

  test::VirtualLoop loop;
  MemoryServers servers{loop, 3};
};

TEST_F(NameChange, LeadsToAnotherServer_AgentMovesThereAndNoTwoHoldTheLock) {
  test::Host old(loop, by_name());
  old.listen();
  Lease lease = old.call.acquire(1h);
  testing::internal::CaptureStderr();
  servers.network().set_name(server_name, {second_host});
  loop.pass(40s);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("the name of the server has another address"), std::string::npos) << log;
  EXPECT_NE(log.find("from=" + first_host + " to=" + second_host), std::string::npos) << log;
  EXPECT_EQ(log.find("out of reach"), std::string::npos) << log;
  EXPECT_EQ(servers[0].connections(), 0U);
  EXPECT_FALSE(old.call.renew(lease)) << "it is not known there";
  test::Host fresh(loop, by_name());
  fresh.listen();
  EXPECT_TRUE(old.call.try_acquire(1h).lease);
  EXPECT_FALSE(fresh.call.try_acquire(1h).lease);
}

// The record that was read between the two is that of the old server.
TEST_F(NameChange, CommandsMoveBehindMessages_ListenerIsToldOfAnotherGap) {
  test::Host host(loop, by_name());
  host.listen();
  servers.network().set_name(server_name, {second_host});
  servers[0].cli({"CLIENT", "KILL", "TYPE", "pubsub"});
  ASSERT_TRUE(loop.turn_until([&] { return servers[1].commands("SUBSCRIBE") > 0; }, 10s));
  loop.pass(100ms);
  const int gaps = host.listener.gaps;
  ASSERT_EQ(servers[1].commands("TIME"), 0U) << "the commands go to the old server";
  ASSERT_TRUE(loop.turn_until([&] { return servers[1].commands("TIME") > 0; }, 2min));
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.gaps > gaps; }, 1s));
}

// What the fleet publishes is heard where it is published.
TEST_F(NameChange, LeadsToAnotherServer_ListenerHearsItAndIsToldOfTheGap) {
  test::Host old(loop, by_name());
  old.listen();
  const int gaps = old.listener.gaps;
  servers.network().set_name(server_name, {second_host});
  loop.pass(40s);
  EXPECT_GT(old.listener.gaps, gaps);
  test::Host fresh(loop, by_name());
  const Lease lease = fresh.call.acquire(1h);
  EXPECT_TRUE(fresh.call.publish(test::make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(loop.turn_until([&] { return !old.listener.records.empty(); }));
}

TEST_F(NameChange, HasSeveralAddresses_TheOneInUseIsKept) {
  test::Host host(loop, by_name());
  host.listen();
  const auto made = greetings(0);
  servers.network().set_name(server_name, {second_host, first_host});
  loop.pass(10min);
  EXPECT_EQ(greetings(0), made);
  EXPECT_EQ(greetings(1), 0U);
}

// A proxy without a server behind it, a server that hangs, one that loads its data.
TEST_F(NameChange, FirstOfSeveralAddressesIsReachedAndOfNoUse_TheNextOneIsUsed) {
  servers.network().set_name(server_name, {first_host, second_host});
  const std::vector<std::function<void()>> ways{
      [&] { servers[0].freeze(); },
      [&] { servers[0].refuse("PING", "LOADING Redis is loading the dataset in memory"); }};
  for (const auto& break_first : ways) {
    break_first();
    test::Host host(loop, by_name());
    host.listen();
    const Lease lease = host.call.acquire(1h);
    EXPECT_EQ(servers[1].cli({"GET", test::updater_key}), lease.owner);
    host.call.release(lease);
    servers[0].thaw();
  }
}

TEST_F(NameChange, LeadsNowhereOrIsNotAnswered_NothingChanges) {
  test::Host host(loop, by_name());
  host.listen();
  const auto made = greetings(0);
  servers.network().set_name(server_name, {});
  loop.pass(10min);
  servers.network().hang_name(server_name, true);
  loop.pass(10min);
  EXPECT_EQ(greetings(0), made);
  EXPECT_TRUE(host.call.try_acquire(1h).lease);
}

TEST_F(NameChange, OfOneServerOfAQuorum_ItsConnectionsMove) {
  test::MemoryServers more{loop, 4};
  more.network().set_name(server_name, {first_host});
  RedlockOptions options;
  for (std::size_t i = 0; i < 3; ++i) options.servers.push_back(more.connection(i, 500ms));
  options.servers[0].address.host = server_name;
  test::RedlockHost host(loop, options);
  host.warm_up(3);
  more.network().set_name(server_name, {MemoryServers::address(3).host});
  loop.pass(40s);
  EXPECT_EQ(more[0].connections(), 0U);
  const Lease lease = host.call.acquire(1h);
  loop.pass(1s);
  EXPECT_EQ(more[3].cli({"GET", test::updater_key}), lease.owner);
}

TEST_F(NameChange, OfASentinel_TheNextQuestionGoesToTheOther) {
  servers[0].name_primary(MemoryServers::address(2));
  servers[1].name_primary(MemoryServers::address(2));
  redis::SentinelResolver resolver(loop.timers, loop.random, sentinel_by_name());
  const auto ask = [&] { return loop.run(resolver.resolve(loop.clock.boot_now() + 500ms)); };
  EXPECT_EQ(ask(), MemoryServers::address(2));
  servers.network().set_name(server_name, {second_host});
  loop.pass(31s);
  servers[1].name_primary(MemoryServers::address(1));
  EXPECT_EQ(ask(), MemoryServers::address(1));
  servers.network().hang_name(server_name, true);
  loop.pass(31s);
  EXPECT_EQ(ask(), MemoryServers::address(1)) << "it answers as long as it is connected";
}

TEST_F(NameChange, OfSeveralSentinelsTheFirstIsOfNoUse_TheNextQuestionGoesToAnother) {
  servers.network().set_name(server_name, {first_host, second_host});
  servers[1].name_primary(MemoryServers::address(2));
  const std::vector<std::function<void()>> ways{
      [&] { servers[0].freeze(); },
      [&] { servers[0].answer("SENTINEL", [](const auto&) { return test::MemoryServer::Reply::nil(); }); }};
  for (const auto& break_first : ways) {
    break_first();
    redis::SentinelResolver resolver(loop.timers, loop.random, sentinel_by_name());
    const auto ask = [&] { return loop.run(resolver.resolve(loop.clock.boot_now() + 500ms)); };
    EXPECT_THROW(ask(), TransportError);
    EXPECT_EQ(ask(), MemoryServers::address(2));
    servers[0].thaw();
  }
}

}  // namespace
}  // namespace jeton::agent
