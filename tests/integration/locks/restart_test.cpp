// What becomes of a command under a lock when the agent is restarted: when_agent_stops.
#include <poll.h>
#include <signal.h>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

class RestartOfTheAgent : public EachBackend {
 protected:
  RestartOfTheAgent() {
    host->configure("locks:\n  \"job*\": {max_ttl: 24h, when_agent_stops: keep}\n  \"plain\": {max_ttl: 24h}\n");
    host->agent().signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return host->lock({"show", "plain"}).status == 0; }));
  }

  // A command that ends when the test says so.
  std::unique_ptr<Process> hold(std::vector<std::string> options, const std::string& name = "job") {
    std::vector<std::string> words{"run", name};
    words.insert(words.end(), options.begin(), options.end());
    const std::filesystem::path begun = dir / ("begun." + std::to_string(++jobs));
    words.insert(words.end(),
                 {"--", "sh", "-c",
                  ": > " + begun.string() + "; while [ ! -e " + end().string() + " ]; do sleep 0.02; done; exit 7"});
    auto job = host->start(words);
    // Not before it runs does it hold all of its locks.
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(begun); }));
    EXPECT_TRUE(host->held(name));
    return job;
  }
  [[nodiscard]] std::filesystem::path end() const { return dir / "end"; }
  void let_it_end() const { static_cast<void>(dir.write("end", "")); }

  TempDir dir;
  int jobs = 0;
};

TEST_P(RestartOfTheAgent, InGoodOrderLeavesTheLockAndTheCommand) {
  const auto job = hold({"--ttl", "1m"});
  const Json before = host->show("job");
  host->agent().signal(SIGTERM);
  EXPECT_EQ(host->agent().wait(), 0);
  host->agent().start();
  EXPECT_EQ(host->lock({"acquire", "job", "--ttl", "1s"}).status, 4);
  let_it_end();
  EXPECT_EQ(job->wait(), 7) << job->err();
  EXPECT_EQ(job->err(), "");
  EXPECT_TRUE(host->free("job")) << "given back through the next agent";
  EXPECT_EQ(before["held"], true);
}

TEST_P(RestartOfTheAgent, GoesOnUnderTheSameOwnerAndFenceAndIsRenewed) {
  const auto job = hold({"--ttl", "8s"});
  const Json before = host->show("job");
  host->agent().kill();
  host->agent().start();
  ::poll(nullptr, 0, 10'000);  // longer than its time to live
  const Json after = host->show("job");
  EXPECT_EQ(after["owner"], before["owner"]);
  EXPECT_EQ(after["fence"], before["fence"]);
  EXPECT_TRUE(job->running());
  let_it_end();
  EXPECT_EQ(job->wait(), 7) << job->err();
}

TEST_P(RestartOfTheAgent, ThatTakesLongerThanTheLockEndsTheCommand) {
  const auto job = hold({"--ttl", "1s"});
  host->agent().kill();
  EXPECT_EQ(job->wait(), 123);
  EXPECT_NE(job->err().find("did not renew it in time"), std::string::npos) << job->err();
}

// By another host, or another client of the fleet's Redis.
class RestartOfOneAgent : public RestartOfTheAgent {};

TEST_P(RestartOfOneAgent, FindsTheLockTakenMeanwhileAndEndsTheCommand) {
  const auto job = hold({"--ttl", "1m"});
  host->agent().kill();
  const std::string key = "jeton:lock:{job}";
  if (redis) redis->cli({"SET", key, "another", "PX", "60000"});
  for (const auto& server : servers) server->cli({"SET", key, "another", "PX", "60000"});
  host->agent().start();
  EXPECT_EQ(job->wait(), 123);
  EXPECT_EQ(host->show("job")["owner"], "another");
}

TEST_P(RestartOfTheAgent, KeepsSeveralLocksOrNone) {
  const auto job = hold({"--also", "job2", "--ttl", "1m"});
  host->agent().kill();
  host->agent().start();
  let_it_end();
  EXPECT_EQ(job->wait(), 7) << job->err();
  EXPECT_TRUE(host->free("job"));
  EXPECT_TRUE(host->free("job2"));
}

TEST_P(RestartOfTheAgent, EndsACommandWhoseLockDoesNotOutliveIt) {
  const auto alone = hold({"--ttl", "1m"}, "plain");
  const auto together = hold({"--also", "job2", "--ttl", "1m"});
  const auto waiting = host->start({"run", "job", "--wait", "1m", "--", "true"});
  host->agent().kill();
  EXPECT_EQ(alone->wait(), 123);
  EXPECT_EQ(waiting->wait(), 125) << "it only waited";
  EXPECT_TRUE(together->running());
}

TEST_P(RestartOfTheAgent, GivesALockBackWhoseCommandEndedMeanwhile) {
  const auto job = hold({"--ttl", "1h"});
  host->agent().kill();
  let_it_end();
  host->agent().start();
  EXPECT_EQ(job->wait(), 7) << job->err();
  EXPECT_TRUE(host->free("job"));
}

INSTANTIATE_TEST_SUITE_P(Each, RestartOfTheAgent, every_backend, backend_name);
INSTANTIATE_TEST_SUITE_P(Each, RestartOfOneAgent, testing::Values("redis", "redlock"), backend_name);

}  // namespace
}  // namespace jeton::test
