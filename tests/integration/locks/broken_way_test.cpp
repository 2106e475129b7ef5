// What an agent makes of a Redis that it cannot talk to: an error that is neither "busy" nor "lost", and nothing left
// behind (lock scenarios 11, 23 and 24).
#include "tests/integration/locks/fleet_host.hpp"

namespace jeton::test {
namespace {

class BrokenWay : public EachFleet {
 protected:
  [[nodiscard]] std::vector<std::string> counters() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < servers.size(); ++i)
      all.push_back(servers.cli_of(i, {"GET", servers.key() + ":fence"}));
    return all;
  }
  [[nodiscard]] std::size_t failed_renewals() const {
    const std::string log = host().agent().log();
    const std::string text = "could not be renewed";
    std::size_t found = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
    return found;
  }
};

TEST_P(BrokenWay, TwiceInARowIsNoLossAndThenTheExtensionSucceeds) {
  const Json lock = host().acquire("job", "60s", {"--wait", "20s"});
  ASSERT_TRUE(lock.is_object());
  servers.cli({"CLIENT", "KILL", "TYPE", "normal"});
  servers.set(RedisProxy::Way::refused);
  EXPECT_EQ(host().extend("job", lock, "50s"), 2);
  EXPECT_EQ(host().extend("job", lock, "50s"), 2);
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return host().extend("job", lock, "1h") == 0; }));
  EXPECT_GT(servers.pttl(), 60'000);
  EXPECT_EQ(servers.value(), lock["owner"].get<std::string>());
}

TEST_P(BrokenWay, TwiceInARowKeepsTheCommandAtWork) {
  const TempDir dir;
  const std::string end = (dir / "end").string();
  const auto job =
      host().start({"run", "job", "--ttl", "6s", "--", "sh", "-c", "until test -e " + end + "; do sleep 0.05; done"});
  ASSERT_TRUE(eventually([&] { return !servers.value().empty(); }));
  const std::string owner = servers.value();
  for (int i = 0; i < 2; ++i) {
    const std::size_t before = failed_renewals();
    servers.set(RedisProxy::Way::refused);
    EXPECT_TRUE(eventually([&] { return failed_renewals() > before; }));
    servers.set(RedisProxy::Way::open);
    EXPECT_TRUE(eventually([&] { return servers.pttl() > 4'500; })) << "not renewed";
  }
  EXPECT_EQ(servers.value(), owner);
  dir.write("end", "");
  EXPECT_EQ(job->wait(), 0) << job->err();
}

TEST_P(BrokenWay, ForEverIsNeitherBusyNorLostWhileTheLeaseIsValid) {
  const auto job = hold("60s");
  const Json lock = host().acquire("job2", "60s", {"--wait", "20s"});
  ASSERT_TRUE(lock.is_object());
  servers.set(RedisProxy::Way::refused);
  EXPECT_EQ(host().extend("job2", lock, "60s"), 2);
  EXPECT_EQ(host().lock({"show", "job2"}).status, 2);
  EXPECT_EQ(host().lock({"acquire", "job2", "--ttl", "60s"}).status, 2);
  EXPECT_EQ(host().lock({"acquire", "job2", "--ttl", "60s", "--wait", "200ms"}).status, 2);
  EXPECT_EQ(host().lock({"run", "job2", "--", "true"}).status, 125);
  EXPECT_EQ(host().release("job2", lock), 2);
  EXPECT_TRUE(job->running()) << job->err();
}

TEST_P(BrokenWay, AfterTheRequestCleansUpWhatItMayHaveTaken) {
  const auto before = counters();
  servers.set(RedisProxy::Way::deaf);
  EXPECT_EQ(host().lock({"acquire", "job", "--ttl", "1h"}).status, 2);
  EXPECT_TRUE(eventually([&] { return counters() != before; })) << "it was not taken: nothing is shown";
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
  EXPECT_TRUE(can_be_had(host()));
}

TEST_P(BrokenWay, ThatForgetsTheScriptsBeforeEveryStepDoesNoHarm) {
  const auto forget = [&] { servers.cli({"SCRIPT", "FLUSH"}); };
  forget();
  const Json lock = host().acquire("job", "60s", {"--wait", "20s"});
  ASSERT_TRUE(lock.is_object());
  forget();
  EXPECT_EQ(host().extend("job", lock, "30s"), 0);
  forget();
  EXPECT_TRUE(host().held("job"));
  forget();
  EXPECT_EQ(host().lock({"acquire", "job", "--ttl", "60s"}).status, 4);
  forget();
  EXPECT_EQ(host().release("job", lock), 0);
}

TEST_P(BrokenWay, ThatForgetsEveryScriptIsAnErrorAfterOneReload) {
  servers.set(RedisProxy::Way::forgetful);
  servers.cli({"SCRIPT", "FLUSH"});
  const std::string taking = "local function take";
  const std::size_t before = servers.proxy(0).scripts_sent(taking);
  const RunResult refused = host().lock({"acquire", "job", "--ttl", "2s"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("NOSCRIPT"), std::string::npos) << refused.err;
  EXPECT_EQ(servers.proxy(0).scripts_sent(taking), before + 1);
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(can_be_had(host()));
}

INSTANTIATE_TEST_SUITE_P(Each, BrokenWay, every_fleet, backend_name);

}  // namespace
}  // namespace jeton::test
