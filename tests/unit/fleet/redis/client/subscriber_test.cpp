#include "agent/fleet/redis/client/subscriber.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/redis_server.hpp"
#include "tests/unit/fleet/redis/client/redis_testing.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class RedisSubscriber : public testing::Test {
 protected:
  Subscriber::Callbacks callbacks() {
    return {.message = [this](const std::string& channel,
                              std::string_view text) { heard.push_back(channel + "=" + std::string(text)); },
            .gap = [this](const std::string& channel) { gaps.push_back(channel); },
            .down = [this] { ++downs; }};
  }

  test::Loop loop;
  test::RedisServer server;
  std::vector<std::string> heard;
  std::vector<std::string> gaps;
  int downs = 0;
};

TEST_F(RedisSubscriber, ChannelsAreSubscribed_MessagesComeAfterTheGap) {
  Subscriber subscriber(loop.timers, loop.random, test::unix_options(server.socket()), callbacks(), 1s);
  subscriber.subscribe("a");
  subscriber.start();
  ASSERT_TRUE(loop.turn_until([&] { return gaps.size() == 1; }));
  subscriber.subscribe("b");
  ASSERT_TRUE(loop.turn_until([&] { return gaps.size() == 2; }));
  EXPECT_THAT(gaps, ElementsAre("a", "b"));
  server.cli({"PUBLISH", "a", "1"});
  server.cli({"PUBLISH", "other", "2"});
  server.cli({"PUBLISH", "b", "3"});
  EXPECT_TRUE(loop.turn_until([&] { return heard.size() == 2; }));
  EXPECT_THAT(heard, ElementsAre("a=1", "b=3"));
}

TEST_F(RedisSubscriber, ChannelIsUnsubscribed_ItsMessagesAreNotReceived) {
  Subscriber subscriber(loop.timers, loop.random, test::unix_options(server.socket()), callbacks(), 1s);
  subscriber.subscribe("a");
  subscriber.subscribe("b");
  subscriber.start();
  ASSERT_TRUE(loop.turn_until([&] { return gaps.size() == 2; }));
  subscriber.unsubscribe("a");
  server.cli({"PUBLISH", "a", "1"});
  server.cli({"PUBLISH", "b", "2"});
  EXPECT_TRUE(loop.turn_until([&] { return !heard.empty(); }));
  EXPECT_THAT(heard, ElementsAre("b=2"));
}

TEST_F(RedisSubscriber, ChannelsAreMany_FewCommandsAndOneBeginningOfKeys) {
  std::vector<std::string> changed;
  auto heeded = callbacks();
  heeded.changed = [&](const std::string& channel, bool) { changed.push_back(channel); };
  Subscriber subscriber(loop.timers, loop.random, test::unix_options(server.socket()), heeded, 1s);
  const auto subscribe = [&](int i) {
    subscriber.subscribe("c" + std::to_string(i), "p:{t" + std::to_string(i) + "}:token");
  };
  for (int i = 0; i < 600; ++i) subscribe(i);
  subscriber.start();
  ASSERT_TRUE(loop.turn_until([&] { return gaps.size() == 600; }));
  EXPECT_THAT(server.cli({"INFO", "commandstats"}), HasSubstr("cmdstat_subscribe:calls=3,"));
  EXPECT_THAT(server.cli({"INFO", "stats"}), HasSubstr("tracking_total_prefixes:1"));
  server.cli({"SET", "p:{t7}:updater", "x"});
  server.cli({"SET", "p:{t7}:token", "x"});
  EXPECT_TRUE(loop.turn_until([&] { return !changed.empty(); }));
  EXPECT_THAT(changed, ElementsAre("c7"));
  subscribe(600);
  ASSERT_TRUE(loop.turn_until([&] { return gaps.size() == 601; }));
  EXPECT_EQ(downs, 0) << "the new key is watched already";
  server.cli({"SET", "p:{t600}:token", "x"});
  EXPECT_TRUE(loop.turn_until([&] { return changed.size() == 2; }));
  EXPECT_EQ(changed.back(), "c600");
  subscriber.unsubscribe("c7");
  server.cli({"SET", "p:{t7}:token", "y"});
  server.cli({"FLUSHALL"});
  EXPECT_TRUE(loop.turn_until([&] { return changed.size() == 602; }));
  EXPECT_THAT(changed, Contains("c7").Times(1));
}

TEST_F(RedisSubscriber, ServerIsRestarted_SubscribesAgainAndReportsTheGap) {
  Subscriber subscriber(loop.timers, loop.random, test::unix_options(server.socket()), callbacks(), 1s);
  subscriber.subscribe("a");
  subscriber.start();
  ASSERT_TRUE(loop.turn_until([&] { return gaps.size() == 1; }));
  server.kill();
  server.restart();
  ASSERT_TRUE(loop.turn_until([&] { return gaps.size() == 2; }));
  server.cli({"PUBLISH", "a", "1"});
  EXPECT_TRUE(loop.turn_until([&] { return heard.size() == 1; }));
}

TEST_F(RedisSubscriber, ServerIsFrozen_IsDownAndThenReconnects) {
  auto options = test::unix_options(server.socket());
  options.timeout = 200ms;
  Subscriber subscriber(loop.timers, loop.random, std::move(options), callbacks(), 50ms);
  subscriber.subscribe("a");
  subscriber.start();
  ASSERT_TRUE(loop.turn_until([&] { return gaps.size() == 1; }));
  server.signal(SIGSTOP);
  EXPECT_TRUE(loop.turn_until([&] { return downs > 0; })) << "it sits on a dead connection";
  server.signal(SIGCONT);
  EXPECT_TRUE(loop.turn_until([&] { return gaps.size() >= 2; }));
}

TEST_F(RedisSubscriber, ChannelIsQuiet_KeepalivesKeepTheConnection) {
  auto options = test::unix_options(server.socket());
  options.client_name = "quiet";
  Subscriber subscriber(loop.timers, loop.random, std::move(options), callbacks(), 20ms);
  subscriber.subscribe("a");
  subscriber.start();
  ASSERT_TRUE(loop.turn_until([&] { return gaps.size() == 1; }));
  const auto keepalives = [&] { return server.cli({"CLIENT", "LIST"}).find("cmd=ping") != std::string::npos; };
  EXPECT_TRUE(loop.turn_until(keepalives));
  EXPECT_EQ(gaps.size(), 1U);
}

}  // namespace
}  // namespace jeton::agent::redis
