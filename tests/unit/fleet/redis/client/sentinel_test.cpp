// The primary that sentinels name: how they are asked, and how a client and a subscriber follow a failover.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "agent/fleet/redis/client/sentinel_resolver.hpp"
#include "agent/fleet/redis/client/subscriber.hpp"
#include "tests/support/sentinel_deployment.hpp"
#include "tests/support/tls_redis.hpp"
#include "tests/unit/fleet/redis/client/fake_server.hpp"
#include "tests/unit/fleet/redis/client/redis_testing.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::FakeServer;
using test::RedisServer;
using test::SentinelServer;
using testing::AllOf;
using testing::HasSubstr;

Address loopback(std::uint16_t port) {
  Address address;
  address.host = "127.0.0.1";
  address.port = port;
  return address;
}

std::string naming(std::uint16_t port) {
  const std::string text = std::to_string(port);
  return "*2\r\n$9\r\n127.0.0.1\r\n$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

// A sentinel that also tells its epoch.
std::string naming(std::uint16_t port, int epoch, std::string_view received) {
  if (received.find("get-master-addr-by-name") != std::string_view::npos) return naming(port);
  return "*4\r\n$4\r\nname\r\n$5\r\njeton\r\n$12\r\nconfig-epoch\r\n$1\r\n" + std::to_string(epoch) + "\r\n";
}

// Draws always the same, so that the first sentinel is the first asked.
class NoChance final : public Random {
 public:
  void fill(std::span<std::byte> out) override { std::fill(out.begin(), out.end(), std::byte{0}); }
};

class SentinelTest : public testing::Test {
 protected:
  SentinelOptions sentinels(const std::vector<std::uint16_t>& ports) {
    SentinelOptions options;
    options.master = "jeton";
    for (const std::uint16_t port : ports) options.sentinels.push_back(loopback(port));
    options.recheck_interval = 50ms;
    return options;
  }
  std::uint16_t resolved(SentinelResolver& resolver, Duration limit = test::patience) {
    return loop.run(resolver.resolve(test::soon(loop, limit))).port;
  }
  std::string failure(SentinelOptions options, Duration limit = test::patience) {
    SentinelResolver resolver(loop.timers, no_chance, std::move(options));
    try {
      resolved(resolver, limit);
    } catch (const TransportError& e) {
      return e.what();
    }
    ADD_FAILURE() << "a primary was found";
    return {};
  }
  ConnectOptions through(const SentinelOptions& options) {
    ConnectOptions connect;
    connect.timeout = test::patience;
    connect.endpoint_resolver = std::make_shared<SentinelResolver>(loop.timers, no_chance, options);
    return connect;
  }

  test::Loop loop;
  NoChance no_chance;
};

using SentinelResolving = SentinelTest;

TEST_F(SentinelResolving, SentinelIsReal_NamesItsPrimary) {
  const RedisServer server;
  const SentinelServer sentinel(server.port(), 1);
  SentinelResolver resolver(loop.timers, no_chance, sentinels({sentinel.port()}));
  EXPECT_EQ(resolved(resolver), server.port());
}

TEST_F(SentinelResolving, SomeSentinelsAreDeadOrSilent_AnsweringOneIsAskedFirstNext) {
  FakeServer silent(loop.context, [](std::string_view) { return std::string(); });
  FakeServer answering(loop.context, [](std::string_view) { return naming(7001); });
  const test::ReservedPort dead;
  SentinelResolver resolver(loop.timers, no_chance, sentinels({dead.port(), silent.port(), answering.port()}));
  // The silent one gets its share of the time and no more.
  EXPECT_EQ(resolved(resolver, 6s), 7001);
  EXPECT_EQ(silent.connections(), 1);
  EXPECT_EQ(resolved(resolver, 6s), 7001);
  EXPECT_EQ(silent.connections(), 1);
}

TEST_F(SentinelResolving, PrimaryIsLocatedAgain_SentinelConnectionIsKept) {
  FakeServer sentinel(loop.context, [](std::string_view) { return naming(7001); });
  SentinelResolver resolver(loop.timers, no_chance, sentinels({sentinel.port()}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(resolved(resolver), 7001);
  EXPECT_EQ(sentinel.connections(), 1);
}

TEST_F(SentinelResolving, NoSentinelIsReachable_EachIsNamedWithItsReason) {
  FakeServer silent(loop.context, [](std::string_view) { return std::string(); });
  const test::ReservedPort nobody;
  const std::uint16_t dead = nobody.port();
  EXPECT_EQ(failure(sentinels({dead, silent.port()}), 3s),
            "sentinel \"jeton\": none of 2 sentinels names the primary: redis://127.0.0.1:" + std::to_string(dead) +
                ": connection refused | redis://127.0.0.1:" + std::to_string(silent.port()) + ": no answer in time");
}

TEST_F(SentinelResolving, NoSentinelAnswers_EachIsAskedFirstInTurn) {
  const test::ReservedPort nobody;
  const std::uint16_t one = nobody.port();
  FakeServer other(loop.context, [](std::string_view) { return std::string("*-1\r\n"); });
  SentinelResolver resolver(loop.timers, no_chance, sentinels({one, other.port()}));
  const auto begins_with = [&](std::uint16_t port) {
    try {
      resolved(resolver);
    } catch (const TransportError& e) {
      return std::string(e.what()).find("primary: redis://127.0.0.1:" + std::to_string(port)) != std::string::npos;
    }
    return false;
  };
  EXPECT_TRUE(begins_with(one));
  EXPECT_TRUE(begins_with(other.port()));
  EXPECT_TRUE(begins_with(one));
}

TEST_F(SentinelResolving, SentinelMissedAFailover_IsNotBelieved) {
  FakeServer stale(loop.context, [](std::string_view received) { return naming(7001, 3, received); });
  FakeServer knowing(loop.context, [](std::string_view received) { return naming(7002, 4, received); });
  auto options = sentinels({stale.port(), knowing.port()});
  options.recheck_interval = Duration{0};  // nothing is remembered
  SentinelResolver resolver(loop.timers, no_chance, options);
  EXPECT_EQ(resolved(resolver), 7001);  // nobody else was asked
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(loop.run(resolver.recheck(loopback(7001), test::soon(loop))).port, 7002);
  }
  EXPECT_EQ(resolved(resolver), 7002);
  knowing.close();
  EXPECT_EQ(loop.run(resolver.recheck(loopback(7002), test::soon(loop))).port, 7002);
  EXPECT_THROW(resolved(resolver), TransportError);
}

TEST_F(SentinelResolving, SentinelsWereSetUpAnew_AreBelieved) {
  int epoch = 5;
  FakeServer one(loop.context, [&](std::string_view received) { return naming(7001, epoch, received); });
  FakeServer two(loop.context, [&](std::string_view received) { return naming(7001, epoch, received); });
  SentinelResolver resolver(loop.timers, no_chance, sentinels({one.port(), two.port()}));
  EXPECT_EQ(resolved(resolver), 7001);
  epoch = 0;
  EXPECT_EQ(resolved(resolver), 7001);
}

TEST_F(SentinelResolving, MasterNameIsUnknown_ErrorNamesTheSetting) {
  const RedisServer server;
  const SentinelServer sentinel(server.port(), 1);
  auto options = sentinels({sentinel.port()});
  options.master = "other";
  EXPECT_THAT(
      failure(options),
      HasSubstr(sentinel.url() + ": does not know the name \"other\"; check coordination.redis.sentinel.master"));
}

TEST_F(SentinelResolving, OneSentinelDoesNotKnowTheName_TheNextIsAsked) {
  FakeServer ignorant(loop.context, [](std::string_view) { return std::string("*-1\r\n"); });
  FakeServer knowing(loop.context, [](std::string_view) { return naming(7001); });
  SentinelResolver resolver(loop.timers, no_chance, sentinels({ignorant.port(), knowing.port()}));
  EXPECT_EQ(resolved(resolver), 7001);
}

TEST_F(SentinelResolving, SentinelDemandsAPassword_OnlyTheRightOneWorks) {
  const RedisServer server;
  const SentinelServer sentinel(server.port(), 1, "requirepass hunter2\n");
  auto options = sentinels({sentinel.port()});
  EXPECT_THAT(failure(options),
              AllOf(HasSubstr(sentinel.url() + ": NOAUTH"), HasSubstr("set coordination.redis.sentinel.password")));
  options.password = [] { return SecretString("wrong"); };
  EXPECT_THAT(failure(options), AllOf(HasSubstr(sentinel.url() + ": WRONGPASS"),
                                      HasSubstr("check coordination.redis.sentinel.username and password")));
  options.password = [] { return SecretString("hunter2"); };
  SentinelResolver resolver(loop.timers, no_chance, options);
  EXPECT_EQ(resolved(resolver), server.port());
}

TEST_F(SentinelResolving, EndpointIsARedisServer_ErrorSaysItIsNoSentinel) {
  const RedisServer server;
  EXPECT_THAT(failure(sentinels({server.port()})), HasSubstr("is it a Redis server, not a sentinel?"));
}

TEST_F(SentinelResolving, AnswerIsNoUsableAddress_IsAnError) {
  for (const char* answer :
       {"*2\r\n$0\r\n\r\n$4\r\n7001\r\n", "*2\r\n$1\r\na\r\n$5\r\n70001\r\n", "*2\r\n$1\r\na\r\n$2\r\n-1\r\n"}) {
    FakeServer sentinel(loop.context, [&](std::string_view) { return std::string(answer); });
    EXPECT_THAT(failure(sentinels({sentinel.port()})), HasSubstr("named no address that can be connected to"));
  }
  FakeServer sentinel(loop.context, [](std::string_view) { return std::string(":1\r\n"); });
  EXPECT_THAT(failure(sentinels({sentinel.port()})), HasSubstr("something else"));
}

TEST_F(SentinelResolving, SentinelIsReachedByTls_ServerIsReachedByTls) {
  const test::TlsRedis redis;
  const test::ReservedPort reserved;
  const std::uint16_t tls_port = reserved.port();
  const SentinelServer sentinel(redis.port(), 1,
                                "tls-port " + std::to_string(tls_port) +
                                    "\ntls-replication yes\ntls-auth-clients no\n" + "tls-cert-file " +
                                    redis.file("server.pem") + "\ntls-key-file " + redis.file("server.key") +
                                    "\ntls-ca-cert-file " + redis.file("ca.pem") + "\n");
  auto options = sentinels({tls_port});
  options.sentinels[0].tls = true;
  options.tls.ca_file = redis.file("ca.pem");
  auto connect = through(options);
  connect.tls = options.tls;
  Client client(loop.timers, loop.random, std::move(connect));
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  EXPECT_EQ(client.display(), "rediss://127.0.0.1:" + std::to_string(redis.port()) + "/0 (sentinel \"jeton\")");
}

// A sentinel that names what the test says, and two real servers.
class Following : public SentinelTest {
 protected:
  ConnectOptions follow() { return through(sentinels({sentinel.port()})); }
  std::string where(const Client& client) { return client.is_connected() ? client.display() : ""; }
  static std::string shown(const RedisServer& server) { return server.tcp_url() + " (sentinel \"jeton\")"; }
  // Makes `a` a replica of `b`, on which connections stay up.
  void demote_a() {
    a.cli({"REPLICAOF", "127.0.0.1", std::to_string(b.port())});
    ASSERT_TRUE(test::eventually([&] { return a.cli({"ROLE"}).starts_with("slave"); }));
  }

  RedisServer a;
  RedisServer b;
  std::uint16_t named = a.port();
  FakeServer sentinel{loop.context, [this](std::string_view) { return naming(named); }};
};

TEST_F(Following, ServerDies_ClientGoesToTheNewPrimary) {
  Client client(loop.timers, loop.random, follow());
  EXPECT_EQ(client.display(), "sentinel \"jeton\"");
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"SET", "k", "a"})).as_text(), "OK");
  EXPECT_EQ(client.display(), shown(a));
  a.kill();
  named = b.port();
  EXPECT_TRUE(loop.turn_until([&] { return where(client) == shown(b); }));
  EXPECT_EQ(ask(loop, client, Command({"SET", "k", "b"})).as_text(), "OK");
}

TEST_F(Following, CommandIsReadonly_ClientGoesToTheNewPrimary) {
  auto options = sentinels({sentinel.port()});
  options.recheck_interval = 1h;  // the answer alone
  Client client(loop.timers, loop.random, through(options));
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"SET", "k", "a"})).as_text(), "OK");
  demote_a();
  named = b.port();
  EXPECT_THAT(test::failure_of(loop, client, Command({"SET", "k", "x"}), 20s), HasSubstr("READONLY"));
  EXPECT_EQ(ask(loop, client, Command({"SET", "k", "b"})).as_text(), "OK");
  EXPECT_EQ(client.display(), shown(b));
}

TEST_F(Following, ScriptIsReadonly_ClientGoesToTheNewPrimary) {
  auto options = sentinels({sentinel.port()});
  options.recheck_interval = 1h;
  Client client(loop.timers, loop.random, through(options));
  client.start();
  const Script script("return redis.call('SET', KEYS[1], 'x')");
  const std::vector<std::string> keys{"k"};
  EXPECT_EQ(loop.run(client.run(script, keys, {}, test::soon(loop))).as_text(), "OK");
  demote_a();
  named = b.port();
  EXPECT_THROW(loop.run(client.run(script, keys, {}, test::soon(loop))), ServerError);
  EXPECT_EQ(loop.run(client.run(script, keys, {}, test::soon(loop))).as_text(), "OK");
  EXPECT_EQ(client.display(), shown(b));
}

TEST_F(Following, PrimaryChanges_QuietSubscriberFollows) {
  std::vector<std::string> heard;
  int gaps = 0;
  Subscriber subscriber(loop.timers, loop.random, follow(),
                        {.message = [&](const std::string&, std::string_view text) { heard.emplace_back(text); },
                         .gap = [&](const std::string&) { ++gaps; }},
                        1h);
  subscriber.subscribe("ch");
  subscriber.start();
  ASSERT_TRUE(loop.turn_until([&] { return gaps == 1; }));
  named = b.port();  // and a goes on as if nothing had happened
  ASSERT_TRUE(loop.turn_until([&] { return gaps == 2; }));
  b.cli({"PUBLISH", "ch", "from b"});
  EXPECT_TRUE(loop.turn_until([&] { return !heard.empty(); }));
}

TEST_F(Following, PrimaryFreezes_QuietClientGoesToTheNewPrimary) {
  Client client(loop.timers, loop.random, follow());
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  a.signal(SIGSTOP);
  named = b.port();
  EXPECT_TRUE(loop.turn_until([&] { return where(client) == shown(b); }));
  a.signal(SIGCONT);
}

TEST_F(Following, UserMayNotRunRole_ErrorNamesThePermission) {
  a.cli({"ACL", "SETUSER", "agent", "on", ">hunter2", "~*", "&*", "+@all", "-role"});
  auto options = follow();
  options.username = [] { return SecretString("agent"); };
  options.password = [] { return SecretString("hunter2"); };
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  EXPECT_TRUE(loop.turn_until([&] { return client.last_error().find("'role'") != std::string::npos; }));
  EXPECT_THAT(client.last_error(), HasSubstr("grant the ACL user this command"));
  a.cli({"ACL", "SETUSER", "agent", "+role"});
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
}

TEST_F(Following, ServerIsAReplica_IsNotUsed) {
  demote_a();
  Client client(loop.timers, loop.random, follow());
  client.start();
  EXPECT_TRUE(loop.turn_until(
      [&] { return client.last_error().find("the server is not the primary (any more)") != std::string::npos; }));
  EXPECT_FALSE(client.is_connected());
  named = b.port();
  EXPECT_EQ(ask(loop, client, Command({"SET", "k", "b"})).as_text(), "OK");
}

TEST_F(Following, SentinelsAreGone_ConnectionStays) {
  auto gone = std::make_unique<FakeServer>(loop.context, [this](std::string_view) { return naming(named); });
  auto options = sentinels({gone->port()});
  int attempts = 0;
  options.connect = [&](Timers& timers, Address address, TlsOptions tls, BootTime deadline, ConnectAttempt& attempt) {
    ++attempts;
    return connect_transport(timers, std::move(address), std::move(tls), deadline, attempt);
  };
  Client client(loop.timers, loop.random, through(options));
  int connects = 0;
  client.on_connected([&] { ++connects; });
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  const int before = gone->connections();
  gone->close();
  const int until_then = attempts;
  EXPECT_TRUE(loop.turn_until([&] { return attempts >= until_then + 3; })) << "the sentinel is not asked any more";
  EXPECT_TRUE(client.is_connected());
  EXPECT_EQ(connects, 1);
  EXPECT_EQ(before, 1);
}

TEST_F(Following, ClientIsStopped_QueryToASilentSentinelEnds) {
  FakeServer silent(loop.context, [](std::string_view) { return std::string(); });
  Client client(loop.timers, loop.random, through(sentinels({silent.port()})));
  client.start();
  ASSERT_TRUE(loop.turn_until([&] { return silent.connections() == 1; }));
  client.stop();
  EXPECT_TRUE(loop.turn_until([&] { return silent.disconnections() == 1; }));
}

}  // namespace
}  // namespace jeton::agent::redis
