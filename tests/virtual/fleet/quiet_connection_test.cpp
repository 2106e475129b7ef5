// Connections on which nothing happens: what is sent there, and how soon it is noticed that nobody answers.
#include <utility>

#include "tests/virtual/fleet/virtual_redis.hpp"
#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration connection_timeout = 500ms;
// systemd/README.md, "Redis hangs": the silence before a PING, and its timeout.
constexpr Duration noticed_within = 61s;               // on the connection for messages
constexpr Duration noticed_by_commands_within = 151s;  // on that for commands

class QuietConnection : public testing::Test {
 protected:
  RedisOptions options() {
    RedisOptions options;
    options.connection = servers.connection(0, connection_timeout);
    return options;
  }
  void publish(const std::string& message) { server.cli({"PUBLISH", "jeton:{t}:published", message}); }

  test::VirtualLoop loop;
  test::MemoryServers servers{loop, 1};
  test::MemoryServer& server = servers[0];
};

TEST_F(QuietConnection, NothingIsHeard_IsAskedOnceAMinuteOrTwoAndForTheTimeEveryFiveMinutes) {
  test::Host host(loop, options());
  host.listen();
  loop.pass(1min);
  const std::uint64_t pings = server.commands("PING");
  const std::uint64_t times = server.commands("TIME");
  const std::uint64_t all = server.commands();
  loop.pass(1h);
  EXPECT_GE(server.commands("PING") - pings, 58U + 11U);
  EXPECT_LE(server.commands("PING") - pings, 60U + 24U);
  EXPECT_GE(server.commands("TIME") - times, 11U);
  EXPECT_LE(server.commands("TIME") - times, 12U);
  EXPECT_LE(server.commands() - all, 60U + 24U + 12U);
}

TEST_F(QuietConnection, MessagesAreHeard_OnlyTheConnectionForCommandsIsAsked) {
  test::Host host(loop, options());
  host.listen();
  loop.pass(1s);
  const std::uint64_t pings = server.commands("PING");
  for (int i = 0; i < 60; ++i) {
    publish(R"({"type":"resume"})");
    loop.pass(50s);
  }
  EXPECT_EQ(host.listener.resumes, 60);
  EXPECT_GT(server.commands("PING"), pings);
  EXPECT_LE(server.commands("PING") - pings, 20U);
}

// What is heard on the other says nothing about it.
TEST_F(QuietConnection, OnlyTheConnectionForCommandsDies_IsNoticedInTime) {
  const redis::Address elsewhere = test::MemoryServers::address(9);
  servers.network().point(elsewhere, servers.shared(0));
  RedisOptions split = options();
  bool is_first = true;  // the connection for commands
  split.connection.connect = [&, connect = split.connection.connect](Timers& timers, redis::Address address,
                                                                     redis::TlsOptions tls, BootTime deadline,
                                                                     redis::ConnectAttempt& attempt) {
    if (std::exchange(is_first, false)) address = elsewhere;
    return connect(timers, std::move(address), std::move(tls), deadline, attempt);
  };
  test::Host host(loop, std::move(split));
  host.listen();
  loop.pass(5s);
  ASSERT_EQ(servers.network().connections(elsewhere), 1U);
  servers.network().lose_connections(elsewhere, false);
  EXPECT_TRUE(
      loop.turn_until([&] { return servers.network().connections(elsewhere) == 0; }, noticed_by_commands_within));
  publish(R"({"type":"resume"})");
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.resumes == 1 && host.coordinator.health().reachable; }));
}

TEST_F(QuietConnection, ServerHangs_BothConnectionsNoticeItInTime) {
  test::Host host(loop, options());
  host.listen();
  loop.pass(5s);
  const int gaps = host.listener.gaps;
  server.freeze();
  EXPECT_TRUE(loop.turn_until([&] { return !host.coordinator.reports_losses("t"); }, noticed_within));
  EXPECT_TRUE(loop.turn_until([&] { return !host.coordinator.health().reachable; }, noticed_by_commands_within));
  server.thaw();
  EXPECT_TRUE(loop.turn_until([&] { return host.coordinator.health().reachable && host.listener.gaps > gaps; }, 3s));
}

// As behind a proxy, where the kernel sees a connection that lives.
TEST_F(QuietConnection, DiesWithoutAWord_ListenerIsToldOfTheGapInTime) {
  test::Host host(loop, options());
  host.listen();
  loop.pass(5s);
  const int gaps = host.listener.gaps;
  servers.network().lose_connections(test::MemoryServers::address(0), false);
  publish(R"({"type":"resume"})");
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.gaps > gaps; }, noticed_within));
  EXPECT_EQ(host.listener.resumes, 0);
  publish(R"({"type":"resume"})");
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.resumes == 1; }));
}

TEST_F(QuietConnection, ServerReportsKeysOrNot_LossesAreReportedWhileItDoes) {
  test::Host host(loop, options());
  const auto reports = [&] { return host.coordinator.reports_losses("t"); };
  EXPECT_FALSE(reports());
  host.listen();
  EXPECT_TRUE(reports());
  EXPECT_FALSE(host.coordinator.reports_losses("another"));
  server.cut();
  EXPECT_TRUE(loop.turn_until([&] { return !reports(); }));
  EXPECT_TRUE(loop.turn_until(reports));
  server.refuse("CLIENT", "ERR unknown command 'CLIENT'");
  server.cut();
  loop.pass(5s);
  EXPECT_TRUE(host.coordinator.health().reachable);
  EXPECT_FALSE(reports());
}

// Of a proxy that accepts CLIENT TRACKING. The next publication is reported again.
TEST_F(QuietConnection, WriteOfAPublicationIsNotReported_LossesAreNotReported) {
  test::Host host(loop, options());
  host.listen();
  publish(R"({"type":"record","record":{}})");  // and nothing is written
  loop.pass(2s);
  EXPECT_FALSE(host.coordinator.reports_losses("t"));
  const Lease lease = host.call.acquire(1h);
  EXPECT_TRUE(host.call.publish(test::make_record(loop, lease.fence, "x"), lease).stored);
  loop.pass(2s);
  EXPECT_TRUE(host.coordinator.reports_losses("t"));
}

TEST(QuietQuorum, OneServerDoesNotReportKeys_LossesAreNotReported) {
  test::VirtualLoop loop;
  test::QuorumServers servers(loop, 3);
  servers[1].refuse("CLIENT", "ERR unknown command 'CLIENT'");
  test::RedlockHost host(loop, servers.options(connection_timeout));
  host.listen();
  loop.pass(2s);
  EXPECT_FALSE(host.coordinator.reports_losses("t"));
  servers[1].refuse("CLIENT", "");
  servers[1].cut();
  EXPECT_TRUE(loop.turn_until([&] { return host.coordinator.reports_losses("t"); }));
}

}  // namespace
}  // namespace jeton::agent
