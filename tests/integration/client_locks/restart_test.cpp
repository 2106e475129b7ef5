// An application's lock when the agent is restarted: one that outlives the agent (when_agent_stops: keep).
#include <poll.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/client_locks/lock_host.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

struct KeptLocks : Locks {
  void restart(bool in_good_order) {
    AgentProcess& process = agent->process();
    if (in_good_order) {
      process.signal(SIGTERM);
      EXPECT_EQ(process.wait(), 0);
    } else {
      process.kill();
    }
    process.start();
  }
  [[nodiscard]] nlohmann::json get(const std::string& path) {
    return nlohmann::json::parse(unix_http_get(agent->process().runtime_dir() / "agent.sock", path).body);
  }
  [[nodiscard]] nlohmann::json status() { return get("/v1/status"); }
  [[nodiscard]] nlohmann::json shown(const std::string& name) { return get("/v1/locks/" + name); }
};

TEST_P(KeptLocks, GoOnAtTheNextAgent) {
  for (const bool in_good_order : {true, false}) {
    Lock one = lock("kept", seconds(60));
    ASSERT_TRUE(one.try_lock());
    const Fence fence = one.fence();
    const std::string owner = one.owner();
    restart(in_good_order);
    EXPECT_FALSE(one.lost()) << one.reason();
    EXPECT_FALSE(lock("kept").try_lock());
    EXPECT_EQ(one.owner(), owner);
    EXPECT_EQ(one.fence(), fence);
    EXPECT_TRUE(one.unlock().ok()) << one.reason();
    EXPECT_TRUE(lock("kept").try_lock());
  }
}

TEST_P(KeptLocks, AreRenewedByTheNextAgentForWhoeverWatchesItsDescriptor) {
  Lock one = lock("kept", seconds(2));
  ASSERT_TRUE(one.try_lock());
  const int fd = one.event_fd();
  restart(false);
  const auto until = std::chrono::steady_clock::now() + seconds(6);
  while (std::chrono::steady_clock::now() < until && !one.lost()) {
    pollfd news{fd, POLLIN, 0};
    ::poll(&news, 1, 1000);
  }
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_EQ(shown("kept")["owner"], one.owner());
}

TEST_P(KeptLocks, AreLostWhenNoAgentComesInTime) {
  Lock one = lock("kept", milliseconds(700));
  ASSERT_TRUE(one.try_lock());
  agent->process().kill();
  EXPECT_FALSE(one.lost()) << "its time is not over";
  EXPECT_TRUE(eventually([&] { return one.lost(); }));
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
}

TEST_P(KeptLocks, ThatNobodyCanGiveBackSaySo) {
  Lock one = lock("kept", seconds(60));
  ASSERT_TRUE(one.try_lock());
  agent->process().kill();
  EXPECT_EQ(one.unlock(), JETON_NO_AGENT);
  EXPECT_NE(one.reason(), "");
  EXPECT_EQ(one.check(), JETON_LOCK_NOT_HELD);
}

TEST_P(KeptLocks, AreGivenBackByAnAgentThatComesWhileTheyAre) {
  Lock one = lock("kept", seconds(60));
  ASSERT_TRUE(one.try_lock());
  agent->process().kill();
  Status given_back = JETON_LOCK_WAITING;
  std::thread giver([&] { given_back = one.unlock(); });
  agent->process().start();  // here: the kernel ends a test's process with the thread that started it
  giver.join();
  // On a machine that is slow enough the agent is not there in time.
  if (given_back.ok()) {
    EXPECT_TRUE(lock("kept").try_lock());
  } else {
    EXPECT_EQ(given_back, JETON_NO_AGENT);
  }
}

TEST_P(KeptLocks, TakenFromTheAgentThatWasAwayAreLost) {
  Lock one = lock("kept", seconds(60));
  ASSERT_TRUE(one.try_lock());
  const std::string owner = one.owner();
  restart(false);
  const auto socket = agent->process().runtime_dir() / "agent.sock";
  EXPECT_EQ(unix_http_post(socket, "/v1/locks/kept/release", R"({"owner":")" + owner + R"("})").status, 200);
  EXPECT_TRUE(eventually([&] { return one.lost(); }));
  EXPECT_EQ(one.check(), JETON_LOCK_LOST);
}

TEST_P(KeptLocks, KeepTheTimeToLiveTheyWereExtendedTo) {
  Lock one = lock("kept", seconds(60));
  ASSERT_TRUE(one.try_lock());
  ASSERT_TRUE(one.extend(std::chrono::hours(1)).ok());
  restart(false);
  const auto goes_on = [&] { return !one.lost() && status()["locks"]["held"] == 1; };
  ASSERT_TRUE(eventually(goes_on)) << one.reason();
  EXPECT_GT(shown("kept")["ttl_ms"], 60'000);
}

INSTANTIATE_TEST_SUITE_P(On, KeptLocks, testing::Values("local", "redis", "redlock"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace jeton::test
