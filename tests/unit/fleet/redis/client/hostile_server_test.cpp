// The client in front of servers that do not behave: always an error, in time, and never memory without bound.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/fleet/redis/client/subscriber.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/unit/fleet/redis/client/fake_server.hpp"
#include "tests/unit/fleet/redis/client/redis_testing.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;
using test::FakeServer;
using test::greets_then;
using testing::HasSubstr;

class HostileServer : public testing::Test {
 protected:
  std::string failure_with(const std::string& reply, Duration limit = test::patience) {
    FakeServer server(loop.context, greets_then(reply));
    Client client(loop.timers, loop.random, test::tcp_options(server.port()));
    client.start();
    return test::failure_of(loop, client, Command({"GET", "x"}), limit);
  }

  test::Loop loop;
};

TEST_F(HostileServer, ArrayHasABillionElements_IsAnError) {
  EXPECT_THAT(failure_with("*1000000000\r\n"), HasSubstr("too many elements"));
}

TEST_F(HostileServer, StringHasTwoToThe63Bytes_IsAnError) {
  EXPECT_THAT(failure_with("$9223372036854775807\r\n"), HasSubstr("too long"));
}

TEST_F(HostileServer, ReplyIsEndless_IsAnError) {
  EXPECT_THAT(failure_with("+" + std::string(8 * 1024 * 1024, 'a')), HasSubstr("too long"));
}

TEST_F(HostileServer, ReplyIsGarbage_IsAnError) {
  EXPECT_THAT(failure_with("HTTP/1.1 400 Bad Request\r\n\r\n"), HasSubstr("no Redis reply"));
}

TEST_F(HostileServer, ReplyIsIncomplete_CommandTimesOut) {
  EXPECT_THAT(failure_with("$10\r\nabc", 200ms), HasSubstr("no answer in time"));
}

TEST_F(HostileServer, ServerDoesNotReply_CommandTimesOut) {
  EXPECT_THAT(failure_with("", 200ms), HasSubstr("no answer in time"));
}

TEST_F(HostileServer, ReplyIsUnsolicited_ConnectionIsClosed) {
  EXPECT_THAT(failure_with("*x\r\n"), HasSubstr("no Redis reply"));
  FakeServer server(loop.context, [](std::string_view) { return std::string("+PONG\r\n+SURPRISE\r\n"); });
  Client client(loop.timers, loop.random, test::tcp_options(server.port()));
  client.start();
  EXPECT_TRUE(loop.turn_until([&] { return server.connections() >= 2; })) << "it did not reconnect";
}

TEST_F(HostileServer, GreetingIsNotAnswered_IsNotConnected) {
  FakeServer server(loop.context, [](std::string_view) { return std::string(); });
  auto options = test::tcp_options(server.port());
  options.timeout = 50ms;
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  EXPECT_TRUE(loop.turn_until([&] { return server.connections() >= 3; }));
  EXPECT_FALSE(client.is_connected());
  EXPECT_THAT(client.last_error(), HasSubstr("no answer in time"));
}

TEST_F(HostileServer, NoscriptIsRepeated_IsAnErrorAfterOneReload) {
  int scripts = 0;
  FakeServer server(loop.context, [&](std::string_view received) {
    if (received.find("PING") != std::string_view::npos) return std::string("+PONG\r\n");
    ++scripts;
    return std::string("-NOSCRIPT No matching script. Please use EVAL.\r\n");
  });
  Client client(loop.timers, loop.random, test::tcp_options(server.port()));
  client.start();
  const Script script("return 1");
  try {
    static_cast<void>(loop.run(client.run(script, {}, {}, test::soon(loop))));
    FAIL() << "the script succeeded";
  } catch (const ServerError& e) {
    EXPECT_EQ(e.code(), "NOSCRIPT");
  }
  EXPECT_EQ(scripts, 2);
}

TEST_F(HostileServer, SubscriptionMessagesAreMalformed_AreIgnored) {
  FakeServer server(loop.context, [](std::string_view received) {
    if (received.find("SUBSCRIBE") == std::string_view::npos) return std::string("+PONG\r\n");
    return std::string(
        "*0\r\n:5\r\n*1\r\n$7\r\nmessage\r\n*3\r\n:1\r\n:2\r\n:3\r\n"
        "*3\r\n$7\r\nmessage\r\n$5\r\nother\r\n$1\r\nx\r\n*2\r\n$7\r\nmessage\r\n$2\r\nch\r\n"
        "*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$4\r\ngood\r\n");
  });
  std::vector<std::string> heard;
  Subscriber subscriber(loop.timers, loop.random, test::tcp_options(server.port()),
                        {.message = [&](const std::string&, std::string_view text) { heard.emplace_back(text); },
                         .gap = [](const std::string&) {}},
                        10s);
  subscriber.subscribe("ch");
  subscriber.start();
  EXPECT_TRUE(loop.turn_until([&] { return !heard.empty(); }));
  EXPECT_EQ(heard, std::vector<std::string>{"good"});
}

TEST_F(HostileServer, SubscriptionIsSilent_PingNoticesAndReconnects) {
  int pings = 0;
  FakeServer server(loop.context, [&](std::string_view received) {
    // The first PING of each connection is the greeting; the second stays without an answer.
    if (received.find("PING") == std::string_view::npos) return std::string();
    return ++pings % 2 == 1 ? std::string("+PONG\r\n") : std::string();
  });
  auto options = test::tcp_options(server.port());
  options.timeout = 50ms;
  Subscriber subscriber(loop.timers, loop.random, std::move(options), {}, 20ms);
  subscriber.subscribe("ch");
  subscriber.start();
  EXPECT_TRUE(loop.turn_until([&] { return server.connections() >= 2; }));
}

TEST_F(HostileServer, PortIsClosed_ErrorNamesTheAddress) {
  const test::ReservedPort nobody;
  const std::uint16_t port = nobody.port();
  Client client(loop.timers, loop.random, test::tcp_options(port));
  client.start();
  EXPECT_EQ(test::failure_of(loop, client, Command({"PING"}), 300ms),
            "redis://127.0.0.1:" + std::to_string(port) + "/0: connection refused");
}

TEST_F(HostileServer, SocketIsMissingOrPathIsTooLong_ErrorNamesTheReason) {
  Client missing(loop.timers, loop.random, test::unix_options("/nonexistent/redis.sock"));
  missing.start();
  EXPECT_EQ(test::failure_of(loop, missing, Command({"PING"}), 200ms),
            "unix:///nonexistent/redis.sock?db=0: no such file or directory");
  Client too_long(loop.timers, loop.random, test::unix_options("/" + std::string(200, 'x')));
  too_long.start();
  EXPECT_THAT(test::failure_of(loop, too_long, Command({"PING"}), 200ms), HasSubstr("too long"));
}

TEST_F(HostileServer, HostCannotBeResolved_ErrorSaysSo) {
  auto options = test::tcp_options(6379);
  options.address.host = "host.invalid";
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  EXPECT_TRUE(loop.turn_until([&] { return client.last_error().find("resolved") != std::string::npos; }))
      << client.last_error();
}

}  // namespace
}  // namespace jeton::agent::redis
