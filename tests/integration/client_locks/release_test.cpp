// Giving back and extending through a handle.
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "libclient/src/lock_handle.hpp"
#include "tests/integration/client_locks/client_host.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

// The lock as the agent tells it, where there is no Redis to ask.
nlohmann::json shown(const ClientHost& host, const std::string& name = "job") {
  const std::filesystem::path directory = host.options().directory;
  const UnixHttpAnswer answer = unix_http_get(directory / "agent.sock", "/v1/locks/" + name);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return nlohmann::json::parse(answer.body, nullptr, false);
}

// As an administrator does.
void force_release(const ClientHost& host, const std::string& name = "job") {
  const RunResult done = run({"curl", "-sf", "--unix-socket", host.options().directory + "/agent.sock", "-X", "DELETE",
                              "http://localhost/v1/locks/" + name});
  EXPECT_EQ(done.status, 0) << done.err;
}

// Hears the request of a connection. The first one asks for the lock, and gets it: `stream` stays open.
bool grants_first(int client, int connection, std::atomic<int>& stream) {
  ScriptedAgent::hear(client);
  if (connection != 0) return false;
  ScriptedAgent::say(client, ScriptedAgent::granted("keep-alive"));
  stream = ::dup(client);
  return true;
}

TEST_F(Locks, NotHeld_UnlockAndExtendSaySo) {
  Lock one = lock();
  EXPECT_EQ(one.unlock(), JETON_LOCK_NOT_HELD);
  EXPECT_EQ(one.extend(seconds(1)), JETON_LOCK_NOT_HELD);
  ASSERT_TRUE(one.lock_for(patience));
  EXPECT_TRUE(one.unlock().ok());
  EXPECT_EQ(one.unlock(), JETON_LOCK_NOT_HELD);
  EXPECT_EQ(one.extend(seconds(1)), JETON_LOCK_NOT_HELD);
  EXPECT_EQ(shown(host)["held"], false);
}

TEST_F(Locks, ExtensionIsRefused_ReasonIsTheAgentsAndTheLockIsHeld) {
  Lock one = lock();
  ASSERT_TRUE(one.lock_for(patience));
  EXPECT_EQ(one.extend(std::chrono::hours(3)), JETON_AGENT_REFUSED);
  EXPECT_NE(one.reason().find("ttl_ms is more than 2h, the max_ttl of locks."), std::string::npos) << one.reason();
  EXPECT_TRUE(one.check().ok());
}

TEST_F(Locks, ExtensionIsLongerThanAllTime_IsRefused) {
  Lock one = lock();
  ASSERT_TRUE(one.lock_for(patience));
  EXPECT_EQ(one.extend(milliseconds::max()), JETON_AGENT_REFUSED);
  EXPECT_TRUE(one.check().ok());
}

// Of the renewals it says nothing.
TEST_F(Locks, ExtensionIsRefusedAndTheAgentHangs_ReasonOfTheLossIsAnother) {
  Lock one = lock("job", seconds(6));
  ASSERT_TRUE(one.lock_for(patience));
  EXPECT_EQ(one.extend(std::chrono::hours(3)), JETON_AGENT_REFUSED);
  host.agent().signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return one.lost(); }));
  host.agent().signal(SIGCONT);
  EXPECT_EQ(one.reason(), "the agent did not renew the lock in time");
}

TEST_F(Locks, Extended_HasTheNewTimeToLiveAndTheSameFence) {
  Lock one = lock("job", std::chrono::hours(1));
  ASSERT_TRUE(one.lock_for(patience));
  const Fence fence = one.fence();
  EXPECT_TRUE(one.extend(seconds(60)).ok()) << one.reason();
  const auto seen = shown(host);
  EXPECT_LE(seen["ttl_ms"], 60'000);
  EXPECT_GT(seen["ttl_ms"], 30'000);
  EXPECT_EQ(seen["fence"], fence);
  EXPECT_EQ(one.fence(), fence);
  EXPECT_EQ(one.extend(std::chrono::hours(3)), JETON_AGENT_REFUSED);
  EXPECT_FALSE(one.lost()) << one.reason();
}

TEST_F(Locks, TakenByAnAdministrator_IsLostAndNotMadeAgain) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.lock_for(patience));
  force_release(host);
  EXPECT_EQ(one.extend(std::chrono::hours(1)), JETON_LOCK_LOST);
  EXPECT_EQ(shown(host)["held"], false);
  Lock next = lock("job", seconds(60));
  ASSERT_TRUE(next.lock_for(patience));
  EXPECT_EQ(one.extend(std::chrono::hours(1)), JETON_LOCK_LOST);
  EXPECT_LE(shown(host)["ttl_ms"], 60'000);
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_EQ(shown(host)["owner"], next.owner());
}

TEST_F(Locks, OneOfSeveralIsTakenByAnAdministrator_ReasonNamesThatOne) {
  LockOptions both = host.options();
  both.also = {"other"};
  Lock several("job", both);
  ASSERT_TRUE(several.try_lock()) << several.reason();
  force_release(host, "other");
  EXPECT_TRUE(eventually([&] { return several.lost(); }));
  EXPECT_NE(several.reason().find("'other'"), std::string::npos) << several.reason();
}

TEST_F(Locks, Metadata_IsSeenByWhoAsks) {
  LockOptions options = host.options();
  options.metadata = "build \"42\" of C:\\x, \u00e9 \u20ac \U0001f512";
  Lock one("job", options);
  ASSERT_TRUE(one.try_lock());
  const UnixHttpAnswer shown = unix_http_get(std::filesystem::path(options.directory) / "agent.sock", "/v1/locks/job");
  EXPECT_EQ(nlohmann::json::parse(shown.body).value("metadata", ""), options.metadata) << shown.body;
}

// A request with them would be no JSON.
TEST_F(Locks, MetadataIsNotUtf8_IsRefusedByTheHandle) {
  const std::vector<std::string> wrong{
      "\xff",         "a\x80",        "\xc3",         "\xc3\x28",         "\xc0\xaf",         "\xe2\x82",
      "\xe0\x80\xaf", "\xed\xa0\x80", "\xf0\x9f\x94", "\xf0\x80\x80\x80", "\xf5\x80\x80\x80", "\xf4\x90\x80\x80",
      "a\nb",         "\x7f"};
  for (const std::string& metadata : wrong) {
    LockOptions options = host.options();
    options.metadata = metadata;
    try {
      const Lock one("job", options);
      ADD_FAILURE() << "byte " << static_cast<unsigned char>(metadata[0]);
    } catch (const jeton::Error& e) {
      EXPECT_EQ(e.status(), JETON_INVALID_ARGUMENT);
    }
  }
}

TEST(SlowAgent, IsAskedForAnExtension_OtherThreadsHearThatTheLockIsHeld) {
  std::atomic<int> stream{-1};
  std::atomic<jeton_lock*> handle{nullptr};
  bool is_free = false;
  const ScriptedAgent agent([&](int client, int connection) {
    if (grants_first(client, connection, stream)) return;
    is_free = ::pthread_mutex_trylock(&handle.load()->mutex) == 0;
    if (is_free) {
      ::pthread_mutex_unlock(&handle.load()->mutex);
      EXPECT_EQ(jeton_lock_lost(handle), 0);
    }
    ScriptedAgent::say(client, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
  });
  Lock one = lock_at(agent);
  handle = one.handle();
  ASSERT_TRUE(one.try_lock()) << one.reason();
  EXPECT_TRUE(one.extend(seconds(60)).ok()) << one.reason();
  EXPECT_TRUE(is_free);
  ::close(stream);
}

TEST(SlowAgent, IsToldOfTheRelease_OtherThreadsHearThatTheLockIsNotHeld) {
  std::atomic<jeton_lock*> handle{nullptr};
  const auto state = [&] {
    const client::LockGuard guard(*handle.load());
    return handle.load()->state;
  };
  bool is_seen = false;
  const ScriptedAgent agent([&](int client, int) {
    ScriptedAgent::hear(client);
    ScriptedAgent::say(client, ScriptedAgent::granted("keep-alive"));
    ScriptedAgent::hear(client);
    EXPECT_TRUE(eventually([&] { return state() != client::LockState::held; }));
    is_seen = state() == client::LockState::releasing;
    EXPECT_EQ(jeton_lock_lost(handle), 1);
    ScriptedAgent::say(client, ScriptedAgent::released());
  });
  Lock one = lock_at(agent);
  handle = one.handle();
  ASSERT_TRUE(one.try_lock()) << one.reason();
  EXPECT_TRUE(one.unlock().ok()) << one.reason();
  EXPECT_TRUE(is_seen);
}

TEST(SlowAgent, LosesTheLockMeanwhileAndAnotherThreadHearsIt_ExtensionSaysSo) {
  std::atomic<int> stream{-1};
  std::atomic<jeton_lock*> handle{nullptr};
  const ScriptedAgent agent([&](int client, int connection) {
    if (grants_first(client, connection, stream)) return;
    ScriptedAgent::say(stream, ScriptedAgent::chunk(R"({"event":"lost","name":"job","reason":"it was deleted"})"
                                                    "\n"));
    EXPECT_TRUE(eventually([&] { return jeton_lock_lost(handle) == 1; }));
    ScriptedAgent::say(client, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
  });
  Lock one = lock_at(agent);
  handle = one.handle();
  ASSERT_TRUE(one.try_lock()) << one.reason();
  EXPECT_EQ(one.extend(seconds(60)), JETON_LOCK_LOST);
  EXPECT_TRUE(one.lost());
  EXPECT_EQ(one.reason(), "it was deleted");
  ::close(stream);
}

// The store may have done it, and no renewal may follow.
TEST(SlowAgent, DoesNotKnowWhetherAShorterTimeIsGiven_IsLostWhenThatTimeIsOver) {
  std::atomic<int> stream{-1};
  const ScriptedAgent agent([&](int client, int connection) {
    if (grants_first(client, connection, stream)) return;
    ScriptedAgent::say(client,
                       "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 76\r\n\r\n"
                       R"({"error":{"code":"coordinator_unreachable","message":"no answer in time"}})"
                       "\r\n");
  });
  Lock one = lock_at(agent);
  ASSERT_TRUE(one.try_lock()) << one.reason();
  EXPECT_EQ(one.extend(milliseconds(100)), JETON_LOCK_UNAVAILABLE) << one.reason();
  EXPECT_TRUE(eventually([&] { return one.lost(); }));
  ::close(stream);
}

}  // namespace
}  // namespace jeton::test
