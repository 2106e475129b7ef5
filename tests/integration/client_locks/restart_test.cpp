// An application's lock when the agent is restarted: one that outlives the agent (when_agent_stops: keep).
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/client_locks/client_host.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

struct KeptLocks : Locks {
  void restart(bool in_good_order) {
    AgentProcess& process = host.agent();
    if (in_good_order) {
      process.signal(SIGTERM);
      EXPECT_EQ(process.wait(), 0);
    } else {
      process.kill();
    }
    process.start();
  }
  [[nodiscard]] nlohmann::json get(const std::string& path) {
    return nlohmann::json::parse(unix_http_get(host.agent().runtime_dir() / "agent.sock", path).body);
  }
  [[nodiscard]] nlohmann::json status() { return get("/v1/status"); }
  [[nodiscard]] nlohmann::json shown(const std::string& name) { return get("/v1/locks/" + name); }
};

TEST_F(KeptLocks, AgentIsRestarted_GoOnAtTheNextOne) {
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

TEST_F(KeptLocks, AgentIsRestarted_NextOneRenewsThemForAnEventLoop) {
  // As long as a restart may last. It is renewed when the next agent goes on with it, and at every third of this.
  Lock one = lock("kept", patience);
  ASSERT_TRUE(one.try_lock());
  const int fd = one.event_fd();
  restart(false);
  // As an event loop does, until the next agent has renewed it: only that makes the rest of its TTL rise.
  long least = shown("kept").value("ttl_ms", 0L);
  bool renewed = false;
  EXPECT_TRUE(eventually([&] {
    pollfd news{fd, POLLIN, 0};
    if (::poll(&news, 1, 0) > 0) static_cast<void>(one.lost());
    const long left = shown("kept").value("ttl_ms", 0L);
    renewed = renewed || left > least;
    least = std::min(least, left);
    return renewed || one.lost();
  }));
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_EQ(shown("kept")["owner"], one.owner());
}

// By its owner id, as jetonctl does.
TEST_F(KeptLocks, AnotherClientHasExtendedThem_NextAgentKeepsTheTtl) {
  Lock one = lock("kept", seconds(60));
  ASSERT_TRUE(one.try_lock());
  const auto socket = host.agent().runtime_dir() / "agent.sock";
  const std::string body = R"({"ttl_ms":7200000,"owner":")" + one.owner() + R"("})";
  ASSERT_EQ(unix_http_post(socket, "/v1/locks/kept/extend", body).status, 200);
  ASSERT_TRUE(shown("kept")["held"]);  // by now the agent has told the holder
  restart(false);
  EXPECT_TRUE(eventually([&] { return !one.lost() && status()["locks"]["held"] == 1; })) << one.reason();
  EXPECT_GT(shown("kept")["ttl_ms"], 3600000);
}

TEST_F(KeptLocks, NoAgentComesInTime_AreLost) {
  Lock longer = lock("kept-longer", seconds(60));
  ASSERT_TRUE(longer.try_lock());
  Lock one = lock("kept", seconds(6));
  ASSERT_TRUE(one.try_lock());
  host.agent().kill();
  EXPECT_TRUE(eventually([&] { return one.lost(); }));
  EXPECT_FALSE(longer.lost()) << "its time is not over";
  EXPECT_NE(one.reason().find("did not renew the lock in time: no agent answers"), std::string::npos) << one.reason();
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
}

TEST_F(KeptLocks, NoAgentAtTheRelease_UnlockSaysSo) {
  Lock one = lock("kept", seconds(60));
  ASSERT_TRUE(one.try_lock());
  host.agent().kill();
  EXPECT_EQ(one.unlock(), JETON_NO_AGENT);
  EXPECT_NE(one.reason(), "");
  EXPECT_EQ(one.check(), JETON_LOCK_NOT_HELD);
}

// The next agent runs already, so that no start of a process counts against the time that a release waits for one.
TEST_F(KeptLocks, AgentComesWhileTheyAreGivenBack_GivesThemBack) {
  const auto socket = host.agent().runtime_dir() / "agent.sock";
  const auto away = host.agent().runtime_dir() / "away.sock";
  Lock one = lock("kept", seconds(60));
  ASSERT_TRUE(one.try_lock());
  restart(false);
  host.agent().signal(SIGSTOP);  // it would make its socket anew
  std::filesystem::rename(socket, away);
  EXPECT_FALSE(one.lost()) << one.reason();  // it has seen that its connection is gone
  Status given_back = JETON_LOCK_WAITING;
  std::thread giver([&] { given_back = one.unlock(); });
  std::filesystem::rename(away, socket);
  host.agent().signal(SIGCONT);
  giver.join();
  EXPECT_TRUE(given_back.ok()) << one.reason();
  EXPECT_TRUE(lock("kept").try_lock());
}

TEST_F(KeptLocks, TakenAfterTheRestart_AreLost) {
  Lock one = lock("kept", seconds(60));
  ASSERT_TRUE(one.try_lock());
  const std::string owner = one.owner();
  restart(false);
  const auto socket = host.agent().runtime_dir() / "agent.sock";
  EXPECT_EQ(unix_http_post(socket, "/v1/locks/kept/release", R"({"owner":")" + owner + R"("})").status, 200);
  EXPECT_TRUE(eventually([&] { return one.lost(); }));
  EXPECT_EQ(one.check(), JETON_LOCK_LOST);
}

TEST_F(KeptLocks, Extended_KeepTheirTimeToLiveOverTheRestart) {
  Lock one = lock("kept", seconds(60));
  ASSERT_TRUE(one.try_lock());
  ASSERT_TRUE(one.extend(std::chrono::hours(1)).ok());
  restart(false);
  const auto goes_on = [&] { return !one.lost() && status()["locks"]["held"] == 1; };
  ASSERT_TRUE(eventually(goes_on)) << one.reason();
  EXPECT_GT(shown("kept")["ttl_ms"], 60'000);
}

// Other clients came first and have all the room that their user has.
TEST(KeptLock, NextAgentHasNoRoomForItYet_IsAskedAgain) {
  const std::string granted =
      "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
      R"({"event":"acquired","name":"job","owner":"me","fence":7,"outlives_agent":true,)"
      R"("valid_until_boot_ms":9000000000000000})"
      "\n";
  std::atomic<int> confirmed{-1};
  const ScriptedAgent agent([&](int client, int connection) {
    ScriptedAgent::hear(client);
    if (connection == 1) {
      ScriptedAgent::say(client, "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    } else {
      ScriptedAgent::say(client, granted);
    }
    if (connection == 2) {
      confirmed = ::dup(client);
      ScriptedAgent::hear(client);
      ScriptedAgent::say(client, "{\"event\":\"released\"}\n");
    }
  });
  Lock one = lock_at(agent);
  ASSERT_TRUE(one.try_lock()) << one.reason();
  EXPECT_TRUE(eventually([&] { return one.lost() || confirmed >= 0; }));
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_TRUE(one.unlock().ok()) << one.reason();
  if (confirmed >= 0) ::close(confirmed);
}

}  // namespace
}  // namespace jeton::test
