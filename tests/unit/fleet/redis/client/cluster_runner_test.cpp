// The runner of a Cluster in front of nodes that say what a test wants.
#include "agent/fleet/redis/client/cluster_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "tests/unit/fleet/redis/client/fake_server.hpp"
#include "tests/unit/fleet/redis/client/redis_testing.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;
using test::FakeServer;
using testing::AnyOf;
using testing::HasSubstr;

// Answers each command of a piece by itself: commands come pipelined.
using PerCommand = std::function<std::string(const std::string& command)>;
FakeServer::Answer each(PerCommand answer) {
  return [answer = std::move(answer)](std::string_view received) {
    std::string replies;
    while (!received.empty()) {
      const auto end = received.find("\r\n*", 1);
      const std::string_view command = received.substr(0, end == std::string_view::npos ? end : end + 2);
      received.remove_prefix(command.size());
      replies += command.find("PING") != std::string_view::npos ? "+PONG\r\n" : answer(std::string(command));
    }
    return replies;
  };
}

bool has(const std::string& command, const char* word) { return command.find(word) != std::string::npos; }

class ClusterRunnerTest : public testing::Test {
 protected:
  // One node that holds every slot, without a host of its own: it is the one that was asked.
  [[nodiscard]] std::string all_slots(std::uint16_t port) const {
    return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:" + std::to_string(port) + "\r\n";
  }
  std::unique_ptr<ClusterRunner> open(std::uint16_t port) {
    ClusterOptions options;
    options.connection = test::tcp_options(port);
    options.connection.timeout = timeout;
    options.endpoints.push_back(options.connection.address);
    auto runner =
        std::make_unique<ClusterRunner>(std::make_shared<Cluster>(loop.timers, loop.random, std::move(options)));
    runner->start();
    return runner;
  }
  std::string failure_of_get(ClusterRunner& runner, Duration limit) {
    return test::failure_of(loop, runner, Command({"GET", "x"}), limit);
  }

  test::Loop loop;
  Duration timeout = test::patience;
};

TEST_F(ClusterRunnerTest, TopologyIsUnusable_ErrorNamesTheNode) {
  for (const char* reply :
       {"*0\r\n", ":1\r\n", "*1\r\n*3\r\n:0\r\n:99999\r\n*0\r\n", "-ERR This instance has cluster support disabled\r\n",
        "-NOPERM this user has no permissions\r\n"}) {
    FakeServer server(loop.context, each([&](const std::string&) { return std::string(reply); }));
    const auto runner = open(server.port());
    EXPECT_TRUE(loop.turn_until([&] { return !has(runner->last_error(), "not connected"); }));
    EXPECT_THAT(failure_of_get(*runner, 100ms), HasSubstr("127.0.0.1:" + std::to_string(server.port())));
    EXPECT_FALSE(runner->is_connected());
  }
}

TEST_F(ClusterRunnerTest, RedirectionsAreCircular_FailsAfterALimit) {
  int commands = 0;
  std::uint16_t port = 0;
  FakeServer server(loop.context, each([&](const std::string& command) {
                      if (has(command, "SLOTS")) return all_slots(port);
                      ++commands;
                      return "-MOVED 0 127.0.0.1:" + std::to_string(port) + "\r\n";
                    }));
  port = server.port();
  const auto runner = open(port);
  EXPECT_THAT(failure_of_get(*runner, test::patience), HasSubstr("MOVED"));
  EXPECT_EQ(commands, 6);
}

TEST_F(ClusterRunnerTest, AskRedirects_AskingPrecedesEachRedirectedCommand) {
  std::uint16_t port = 0;
  bool asked = false;
  int alone = 0;
  int answered = 0;
  FakeServer server(loop.context, each([&](const std::string& command) {
                      if (has(command, "SLOTS")) return all_slots(port);
                      if (has(command, "ASKING")) {
                        asked = true;
                        return std::string("+OK\r\n");
                      }
                      if (std::exchange(asked, false)) {
                        ++answered;
                        return std::string(has(command, "EVALSHA") ? "-NOSCRIPT No matching script.\r\n" : ":1\r\n");
                      }
                      ++alone;
                      return "-ASK 0 127.0.0.1:" + std::to_string(port) + "\r\n";
                    }));
  port = server.port();
  const auto runner = open(port);
  const Script script("return 1");
  const std::vector<std::string> keys{"x"};
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    boost::asio::co_spawn(loop.context, runner->run(script, keys, {}, test::soon(loop)),
                          [&](std::exception_ptr failure, Reply reply) {
                            if (!failure && reply.integer == 1) ++done;
                          });
  }
  EXPECT_TRUE(loop.turn_until([&] { return done == 20; }));
  EXPECT_EQ(alone, 20) << "an ASKING served another command";
  EXPECT_EQ(answered, 40) << "EVALSHA and EVAL, each with its own";
}

TEST_F(ClusterRunnerTest, CommandGetsNoAnswer_IsNotSentAgain) {
  timeout = 500ms;
  int commands = 0;
  std::uint16_t port = 0;
  FakeServer server(loop.context, each([&](const std::string& command) {
                      if (has(command, "SLOTS")) return all_slots(port);
                      ++commands;
                      return std::string();
                    }));
  port = server.port();
  const auto runner = open(port);
  EXPECT_THAT(failure_of_get(*runner, 500ms), HasSubstr("no answer in time"));
  EXPECT_TRUE(loop.turn_until([&] { return server.connections() >= 2; })) << "it did not reconnect";
  EXPECT_EQ(commands, 1);
}

TEST_F(ClusterRunnerTest, RefusalIsTemporary_IsRetriedUntilTheDeadline) {
  int refusals = 3;
  std::uint16_t port = 0;
  FakeServer server(
      loop.context, each([&](const std::string& command) {
        if (has(command, "SLOTS")) return all_slots(port);
        return std::string(refusals-- > 0 ? "-TRYAGAIN Multiple keys request during rehashing of slot\r\n" : "+OK\r\n");
      }));
  port = server.port();
  const auto runner = open(port);
  Command get({"GET", "x"});
  EXPECT_EQ(loop.run(runner->command("x", std::move(get), test::soon(loop))).as_text(), "OK");
  refusals = 1'000'000;
  const BootTime begin = loop.clock.boot_now();
  // At the deadline it pauses between two attempts, or waits for the answer to one.
  EXPECT_THAT(failure_of_get(*runner, 1s), AnyOf(HasSubstr("the slot is being moved"), HasSubstr("no answer")));
  EXPECT_GE(loop.clock.boot_now() - begin, 900ms) << "it gave up long before its deadline";
  EXPECT_LT(refusals, 1'000'000);
}

TEST_F(ClusterRunnerTest, ErrorComesFromAScript_IsNotRetried) {
  int commands = 0;
  std::uint16_t port = 0;
  FakeServer server(loop.context, each([&](const std::string& command) {
                      if (has(command, "SLOTS")) return all_slots(port);
                      ++commands;
                      return std::string("-CLUSTERDOWN The cluster is down script: f, on @user_script:3.\r\n");
                    }));
  port = server.port();
  const auto runner = open(port);
  EXPECT_THAT(failure_of_get(*runner, test::patience), HasSubstr("CLUSTERDOWN"));
  EXPECT_EQ(commands, 1);
}

}  // namespace
}  // namespace jeton::agent::redis
