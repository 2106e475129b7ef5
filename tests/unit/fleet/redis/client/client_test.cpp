// The client and the subscriber with a real redis-server.
#include "agent/fleet/redis/client/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include "tests/support/redis_server.hpp"
#include "tests/unit/fleet/redis/client/redis_testing.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::tcp_options;
using test::unix_options;
using testing::HasSubstr;

class RedisClient : public testing::Test {
 protected:
  std::string who_am_i(Client& client) {
    const Reply reply = ask(loop, client, Command({"ACL", "WHOAMI"}));
    return std::string(reply.as_text());
  }

  test::Loop loop;
};

TEST_F(RedisClient, AddressIsTcpOrAUnixSocket_CommandsAreAnswered) {
  const test::RedisServer server;
  Client tcp(loop.timers, loop.random, tcp_options(server.port()));
  Client local(loop.timers, loop.random, unix_options(server.socket()));
  tcp.start();
  local.start();
  EXPECT_EQ(ask(loop, tcp, Command({"SET", "k", "v"})).as_text(), "OK");
  EXPECT_EQ(ask(loop, local, Command({"GET", "k"})).as_text(), "v");
}

TEST_F(RedisClient, AddressIsTcp_KernelNoticesInTimeThatThePeerIsGone) {
  const test::RedisServer server;
  Client client(loop.timers, loop.random, tcp_options(server.port()));
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  test::expect_gone_peer_is_noticed_in_time(server.port());
}

// The second call comes when the connection is up, and the first one has not gone on yet.
TEST_F(RedisClient, CallsThatWaitForTheConnection_AreSentBeforeLaterOnes) {
  const test::RedisServer server;
  Client client(loop.timers, loop.random, unix_options(server.socket()));
  int done = 0;
  const auto push = [&](const char* value) {
    auto call = client.command("k", Command({"RPUSH", "k", value}), loop.clock.boot_now() + test::patience);
    boost::asio::co_spawn(loop.context, std::move(call), [&](std::exception_ptr e, const Reply&) {
      EXPECT_EQ(e, nullptr);
      ++done;
    });
  };
  push("first");
  client.on_connected([&] { push("second"); });
  client.start();
  ASSERT_TRUE(loop.turn_until([&] { return done == 2; }));
  EXPECT_EQ(server.cli({"LRANGE", "k", "0", "-1"}), "first\nsecond");
}

TEST_F(RedisClient, HostIsAName_IsResolved) {
  const test::RedisServer server;
  auto options = tcp_options(server.port());
  options.address.host = "localhost";
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
}

TEST_F(RedisClient, DatabaseAndClientNameAreSet_BothAreApplied) {
  const test::RedisServer server;
  auto options = unix_options(server.socket());
  options.database = 3;
  options.client_name = "jeton-test";
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"SET", "k", "v"})).as_text(), "OK");
  EXPECT_EQ(ask(loop, client, Command({"CLIENT", "GETNAME"})).as_text(), "jeton-test");
  EXPECT_EQ(server.cli({"-n", "3", "GET", "k"}), "v");
  EXPECT_EQ(server.cli({"-n", "0", "EXISTS", "k"}), "0");
}

TEST_F(RedisClient, UserAndPasswordAreSet_LogsInAsThatUser) {
  const test::RedisServer server({"--user", "agent", "on", ">hunter2", "~*", "&*", "+@all"});
  auto options = unix_options(server.socket());
  options.username = [] { return SecretString("agent"); };
  options.password = [] { return SecretString("hunter2"); };
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  EXPECT_EQ(who_am_i(client), "agent");
}

TEST_F(RedisClient, OnlyAPasswordIsSet_LogsInAsDefault) {
  const test::RedisServer server({"--requirepass", "hunter2"});
  auto options = unix_options(server.socket());
  options.password = [] { return SecretString("hunter2"); };
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  EXPECT_EQ(who_am_i(client), "default");
}

TEST_F(RedisClient, PasswordIsMissing_ErrorIsNoauth) {
  const test::RedisServer server({"--requirepass", "hunter2"});
  Client client(loop.timers, loop.random, unix_options(server.socket()));
  client.start();
  EXPECT_THAT(test::failure_of(loop, client, Command({"GET", "k"}), 300ms), HasSubstr("NOAUTH"));
}

TEST_F(RedisClient, PasswordIsWrong_IsLoggedOnceAndReplacementConnects) {
  const test::RedisServer server({"--user", "agent", "on", ">hunter2", "~*", "&*", "+@all"});
  std::string password = "wrong";
  int asked = 0;
  auto options = unix_options(server.socket());
  options.username = [] { return SecretString("agent"); };
  options.password = [&] {
    ++asked;
    return SecretString(password);
  };
  Client client(loop.timers, loop.random, std::move(options));
  testing::internal::CaptureStderr();
  client.start();
  EXPECT_TRUE(loop.turn_until([&] { return asked >= 4; }));
  EXPECT_THAT(client.last_error(), HasSubstr("WRONGPASS"));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(log.find("WRONGPASS"), log.rfind("WRONGPASS")) << log;
  EXPECT_THAT(log, HasSubstr(" error "));
  EXPECT_THAT(log, testing::Not(HasSubstr("wrong ")));
  password = "hunter2";
  EXPECT_EQ(who_am_i(client), "agent");
}

TEST_F(RedisClient, PermissionIsMissing_ErrorIsNoperm) {
  const test::RedisServer server({"--user", "agent", "on", ">hunter2", "~jeton:*", "&jeton:*", "+ping", "+get"});
  auto options = unix_options(server.socket());
  options.username = [] { return SecretString("agent"); };
  options.password = [] { return SecretString("hunter2"); };
  options.client_name = "jeton-test";  // CLIENT SETNAME is not permitted, and not needed
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  EXPECT_TRUE(ask(loop, client, Command({"GET", "jeton:x"})).is_nil());
  EXPECT_THAT(test::failure_of(loop, client, Command({"GET", "other"}), 5s), HasSubstr("NOPERM"));
  EXPECT_THAT(test::failure_of(loop, client, Command({"SET", "jeton:x", "1"}), 5s), HasSubstr("NOPERM"));
}

TEST_F(RedisClient, AThousandCommandsAreConcurrent_EachGetsItsOwnReply) {
  const test::RedisServer server;
  Client client(loop.timers, loop.random, unix_options(server.socket()));
  client.start();
  int done = 0;
  int right = 0;
  const auto one = [&](int i) -> Task<> {
    const std::string text = std::to_string(i);
    Command command({"ECHO", text});
    const Reply reply = co_await client.command("", std::move(command), test::soon(loop));
    ++done;
    if (reply.as_text() == text) ++right;
  };
  for (int i = 0; i < 1000; ++i) {
    boost::asio::co_spawn(loop.context, one(i), [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
  }
  EXPECT_TRUE(loop.turn_until([&] { return done == 1000; }));
  EXPECT_EQ(right, 1000);
}

TEST_F(RedisClient, AThousandRepliesAreLarge_EachCommandGetsItsOwn) {
  const test::RedisServer server;
  Client client(loop.timers, loop.random, unix_options(server.socket()));
  client.start();
  int right = 0;
  int done = 0;
  const auto one = [&](int i) -> Task<> {
    const std::string text = std::string(static_cast<std::size_t>(i) * 8, 'x') + std::to_string(i);
    Command command({"ECHO", text});
    const Reply reply = co_await client.command("", std::move(command), test::soon(loop));
    ++done;
    if (reply.as_text() == text) ++right;
  };
  for (int i = 0; i < 1000; ++i) {
    boost::asio::co_spawn(loop.context, one(i), [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
  }
  EXPECT_TRUE(loop.turn_until([&] { return done == 1000; }));
  EXPECT_EQ(right, 1000);
}

TEST_F(RedisClient, ScriptIsNotCachedByTheServer_IsRun) {
  const test::RedisServer server;
  Client client(loop.timers, loop.random, unix_options(server.socket()));
  client.start();
  const Script script("return {KEYS[1], ARGV[1]}");
  const std::vector<std::string> keys{"k"};
  const std::vector<std::string_view> arguments{"a"};
  for (int i = 0; i < 3; ++i) {
    server.cli({"SCRIPT", "FLUSH"});
    const Reply reply = loop.run(client.run(script, keys, arguments, test::soon(loop)));
    EXPECT_EQ(reply.at(0).as_text(), "k");
    EXPECT_EQ(reply.at(1).as_text(), "a");
  }
}

TEST_F(RedisClient, ServerIsFrozen_CommandTimesOut) {
  const test::RedisServer server;
  Client client(loop.timers, loop.random, unix_options(server.socket()));
  client.start();
  ASSERT_EQ(ask(loop, client, Command({"SET", "k", "v"})).as_text(), "OK");
  server.signal(SIGSTOP);
  EXPECT_THAT(test::failure_of(loop, client, Command({"GET", "k"}), 100ms), HasSubstr("no answer in time"));
  server.signal(SIGCONT);
  EXPECT_EQ(ask(loop, client, Command({"GET", "k"})).as_text(), "v");
}

TEST_F(RedisClient, ServerIsRestarted_ReconnectsAndCommandsWait) {
  test::RedisServer server;
  Client client(loop.timers, loop.random, unix_options(server.socket()));
  int connects = 0;
  client.on_connected([&] { ++connects; });
  client.start();
  ASSERT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  server.kill();
  EXPECT_TRUE(loop.turn_until([&] { return !client.is_connected(); }));
  EXPECT_THAT(test::failure_of(loop, client, Command({"PING"}), 50ms), HasSubstr("unix://"));
  server.restart();
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  EXPECT_EQ(connects, 2);
}

TEST_F(RedisClient, ClientIsStopped_WaitingAndLaterCommandsFail) {
  Client client(loop.timers, loop.random, unix_options("/nonexistent/redis.sock"));
  client.start();
  std::string failure;
  const auto waiting = [&]() -> Task<> {
    Command command({"PING"});
    try {
      static_cast<void>(co_await client.command("", std::move(command), test::soon(loop)));
    } catch (const TransportError& e) {
      failure = e.what();
    }
  };
  bool ended = false;
  boost::asio::co_spawn(loop.context, waiting(), [&](const std::exception_ptr&) { ended = true; });
  EXPECT_TRUE(loop.turn_until([&] { return !client.last_error().ends_with("not connected yet"); }));
  client.stop();
  EXPECT_TRUE(loop.turn_until([&] { return ended; }));
  EXPECT_THAT(failure, HasSubstr("stopped"));
  EXPECT_THAT(test::failure_of(loop, client, Command({"PING"}), 1s), HasSubstr("stopped"));
}

TEST_F(RedisClient, CommandIsCancelled_OrderOfRepliesStaysIntact) {
  const test::RedisServer server;
  Client client(loop.timers, loop.random, unix_options(server.socket()));
  client.start();
  ASSERT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  boost::asio::cancellation_signal cancel;
  bool aborted = false;
  bool ended = false;
  const auto waiting = [&]() -> Task<> {
    Command command({"BLPOP", "nothing", "1"});
    try {
      static_cast<void>(co_await client.command("", std::move(command), test::soon(loop)));
    } catch (const boost::system::system_error&) {
      aborted = true;
    }
  };
  boost::asio::co_spawn(
      loop.context, waiting(),
      boost::asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&) { ended = true; }));
  EXPECT_TRUE(test::eventually([&] {
    loop.turn_until([] { return true; });
    loop.context.restart();
    loop.context.poll();
    return server.cli({"CLIENT", "LIST"}).find("cmd=blpop") != std::string::npos;
  }));
  cancel.emit(boost::asio::cancellation_type::terminal);
  EXPECT_TRUE(loop.turn_until([&] { return ended; }));
  EXPECT_TRUE(aborted);
  EXPECT_EQ(ask(loop, client, Command({"ECHO", "mine"})).as_text(), "mine");
}

}  // namespace
}  // namespace jeton::agent::redis
