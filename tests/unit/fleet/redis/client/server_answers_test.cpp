// Answers of a server that refuses a command, and the reaction to them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/fleet/redis/client/subscriber.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/sentinel_deployment.hpp"
#include "tests/unit/fleet/redis/client/redis_testing.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::RedisServer;
using testing::AllOf;
using testing::HasSubstr;

struct Answers : testing::Test {
  test::Loop loop;
};

TEST_F(Answers, FixedEndpointIsAReplica_ReconnectsAfterReadonly) {
  const RedisServer primary;
  const RedisServer replica({"--replicaof", "127.0.0.1", std::to_string(primary.port())});
  Client client(loop.timers, loop.random, test::tcp_options(replica.port()));
  int connects = 0;
  client.on_connected([&] { ++connects; });
  client.start();
  EXPECT_THAT(test::failure_of(loop, client, Command({"SET", "k", "x"}), 20s),
              AllOf(HasSubstr("READONLY"), HasSubstr("coordination.redis must lead to it")));
  EXPECT_TRUE(loop.turn_until([&] { return connects == 2; }));
}

TEST_F(Answers, ReplicaLostItsPrimary_IsLeftAndNotUsedAgain) {
  const RedisServer server;
  Client client(loop.timers, loop.random, test::tcp_options(server.port()));
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  server.cli({"CONFIG", "SET", "replica-serve-stale-data", "no"});
  const test::ReservedPort nobody;
  server.cli({"REPLICAOF", "127.0.0.1", std::to_string(nobody.port())});
  EXPECT_THAT(test::failure_of(loop, client, Command({"GET", "k"}), 20s),
              AllOf(HasSubstr("MASTERDOWN"), HasSubstr("the primary is looked for again")));
  EXPECT_THAT(test::failure_of(loop, client, Command({"GET", "k"}), 500ms), HasSubstr("MASTERDOWN"));
  EXPECT_FALSE(client.is_connected());
}

TEST_F(Answers, ServerIsOutOfMemory_IsReportedAndConnectionStays) {
  const RedisServer server({"--maxmemory", "1", "--maxmemory-policy", "noeviction"});
  Client client(loop.timers, loop.random, test::tcp_options(server.port()));
  client.start();
  const Script script("return redis.call('SET', KEYS[1], 'x')");
  const std::vector<std::string> keys{"k"};
  try {
    static_cast<void>(loop.run(client.run(script, keys, {}, test::soon(loop))));
    ADD_FAILURE() << "it was stored";
  } catch (const ServerError& e) {
    EXPECT_EQ(e.code(), "OOM");
    EXPECT_THAT(e.what(), HasSubstr("raise it or free memory"));
  }
  EXPECT_TRUE(client.is_connected());
}

TEST_F(Answers, ServerLoadsItsData_IsWaitedFor) {
  const RedisServer server({"--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024"});
  Client connected(loop.timers, loop.random, test::tcp_options(server.port()));
  connected.start();
  EXPECT_EQ(ask(loop, connected, Command({"SET", "k", "v"})).as_text(), "OK");
  server.cli({"EVAL", "for i = 1, 1000 do redis.call('SET', i, string.rep('x', 100)) end", "0"});
  server.cli({"CONFIG", "SET", "key-load-delay", "5000"});  // microseconds
  test::Process reload({test::redis_cli_program(), "-s", server.socket(), "DEBUG", "RELOAD"});
  ASSERT_TRUE(test::eventually([&] { return server.cli({"PING"}).starts_with("LOADING"); }));

  EXPECT_THAT(test::failure_of(loop, connected, Command({"GET", "k"}), 20s),
              AllOf(HasSubstr("LOADING"), HasSubstr("it is asked again")));
  EXPECT_TRUE(connected.is_connected());
  Client late(loop.timers, loop.random, test::tcp_options(server.port()));
  late.start();
  EXPECT_TRUE(loop.turn_until([&] { return late.last_error().find("LOADING") != std::string::npos; }));
  server.cli({"CONFIG", "SET", "key-load-delay", "0"});
  EXPECT_EQ(ask(loop, late, Command({"GET", "k"})).as_text(), "v");
}

TEST_F(Answers, OptionalCommandsAreRenamedAway_IsConnected) {
  const RedisServer server({"--rename-command", "CLIENT", "", "--rename-command", "INFO", "", "--rename-command",
                            "HELLO", "hello-of-the-service"});
  auto options = test::tcp_options(server.port());
  options.client_name = "jeton-test";
  std::string run_id = "not told";
  options.identified = [&](const std::string& told) { run_id = told; };
  Client client(loop.timers, loop.random, options);
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"SET", "k", "v"})).as_text(), "OK");
  EXPECT_EQ(run_id, "");
  std::vector<std::string> heard;
  int gaps = 0;
  Subscriber subscriber(loop.timers, loop.random, options,
                        {.message = [&](const std::string&, std::string_view text) { heard.emplace_back(text); },
                         .gap = [&](const std::string&) { ++gaps; }},
                        1s);
  subscriber.subscribe("a", "k");
  subscriber.start();
  ASSERT_TRUE(loop.turn_until([&] { return gaps == 1; }));
  server.cli({"PUBLISH", "a", "1"});
  EXPECT_TRUE(loop.turn_until([&] { return heard == std::vector<std::string>{"1"}; }));
}

TEST_F(Answers, EndpointIsASentinel_IsNamed) {
  const RedisServer server;
  const test::SentinelServer sentinel(server.port(), 1);
  Client client(loop.timers, loop.random, test::tcp_options(sentinel.port()));
  client.start();
  EXPECT_TRUE(loop.turn_until([&] { return client.last_error().find("a Sentinel") != std::string::npos; }))
      << client.last_error();
  EXPECT_FALSE(client.is_connected());
}

TEST_F(Answers, EndpointIsANodeOfACluster_IsNamed) {
  const RedisServer node({"--cluster-enabled", "yes"});
  Client client(loop.timers, loop.random, test::tcp_options(node.port()));
  testing::internal::CaptureStderr();
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("coordination.redis.cluster"));
  auto options = test::tcp_options(node.port());
  options.database = 1;
  Client other(loop.timers, loop.random, std::move(options));
  other.start();
  EXPECT_THAT(test::failure_of(loop, other, Command({"PING"}), 500ms), HasSubstr("set coordination.redis.cluster"));
}

// Whichever server runs here: the words of each.
TEST_F(Answers, ScriptLacksAPermission_WordsOfEveryServerAreUnderstood) {
  for (const char* words :
       {"ERR The user executing the script can't run this command or subcommand script: 75692, on @user_script:1.",
        "ERR The user executing the script can't publish to the channel mentioned in the command script: 4c414.",
        "ERR ACL failure in script: User agent has no permissions to run the 'set' command script: 75692.",
        "ERR ACL failure in script: No permissions to access a channel script: 4c414, on @user_script:1.",
        "ERR ACL failure in script: No permissions to access a key script: b0859, on @user_script:1."}) {
    const ServerError error("redis://a:6379/0", words);
    EXPECT_TRUE(error.is_about_access()) << words;
    EXPECT_THAT(error.what(), HasSubstr("grant the ACL user")) << words;
  }
}

TEST_F(Answers, OlderServerWrapsAScriptError_CodeIsFound) {
  const std::string wrapped =
      "ERR Error running script (call to f_6b1bf486c81ceb7edf3c093f4c48582e38c0e791): @user_script:1: @user_script: 1: "
      "-READONLY You can't write against a read only replica. ";
  const ServerError error("redis://a:6379/0", wrapped);
  EXPECT_EQ(error.code(), "READONLY");
  EXPECT_TRUE(error.is_about_role());
}

}  // namespace
}  // namespace jeton::agent::redis
