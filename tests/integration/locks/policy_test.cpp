// The users that may take a lock: by default none.
#include <signal.h>
#include <unistd.h>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

constexpr unsigned nobody = 65534;

struct LockPolicy : testing::Test {
  LockHost host{"coordination: {backend: local}\n",
                "locks:\n  \"shared-*\": {users: [nobody], max_ttl: 1m}\n  \"shared-secret\": {max_ttl: 1m}\n"};

  [[nodiscard]] RunResult as_nobody(std::vector<std::string> arguments) {
    ProcessOptions options;
    options.uid = nobody;
    options.gid = nobody;
    // The way to the socket, which is everybody's in /run.
    std::filesystem::permissions(host.agent().runtime_dir().parent_path(), std::filesystem::perms(0711));
    return host.lock(std::move(arguments), options);
  }
};

TEST_F(LockPolicy, NoPatternMatches_IsRefusedWithTheRuleToAdd) {
  const RunResult refused = host.lock({"acquire", "other", "--ttl", "10s"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("locks:"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("\"other\":"), std::string::npos) << refused.err;
}

TEST_F(LockPolicy, TimeToLiveIsAboveTheRule_IsRefusedAndRuleIsNamed) {
  const RunResult refused = host.lock({"acquire", "shared-a", "--ttl", "2m"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("max_ttl"), std::string::npos) << refused.err;
  const Json lock = host.acquire("shared-a", "1m");
  EXPECT_EQ(host.extend("shared-a", lock, "2m"), 1);
}

TEST_F(LockPolicy, SeveralPatternsMatch_MostSpecificDecides) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be another user";
  EXPECT_EQ(as_nobody({"run", "shared-a", "--", "true"}).status, 0);
  const RunResult refused = as_nobody({"run", "shared-secret", "--", "true"});
  EXPECT_EQ(refused.status, 125);
  EXPECT_NE(refused.err.find("shared-secret"), std::string::npos) << refused.err;
  EXPECT_EQ(as_nobody({"run", "shared-a", "--also", "shared-secret", "--", "true"}).status, 125);
  EXPECT_EQ(as_nobody({"show", "shared-secret"}).status, 2);
}

TEST_F(LockPolicy, ReleaseIsForced_IsForAdministratorsOnlyAndLogged) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be another user";
  const Json lock = host.acquire("shared-a", "1m");
  EXPECT_EQ(as_nobody({"release", "shared-a", "--force"}).status, 2);
  EXPECT_TRUE(host.held("shared-a"));
  EXPECT_EQ(host.lock({"release", "shared-a", "--force"}).status, 0);
  const auto is_logged = [&](const char* text) { return host.agent().log().find(text) != std::string::npos; };
  EXPECT_TRUE(eventually([&] { return is_logged("by an administrator") && is_logged("uid 0"); }))  // by a thread
      << host.agent().log();
}

TEST_F(LockPolicy, LockIsShown_WholeOwnerIdIsForItsUserAndAdministrators) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be another user";
  const Json lock = host.acquire("shared-a", "1m");
  const std::string owner = lock["owner"];
  for (const RunResult& seen : {as_nobody({"show", "shared-a"}), as_nobody({"acquire", "shared-a", "--ttl", "1s"})}) {
    EXPECT_NE((seen.out + seen.err).find(owner.substr(0, 8) + "..."), std::string::npos) << seen.out << seen.err;
    EXPECT_EQ((seen.out + seen.err).find(owner), std::string::npos) << "with it anybody could release the lock";
  }
  EXPECT_EQ(host.show("shared-a")["owner"], owner);
  EXPECT_EQ(host.release("shared-a", lock), 0);
  const RunResult own = as_nobody({"acquire", "shared-a", "--ttl", "1m"});
  EXPECT_NE(as_nobody({"show", "shared-a"}).out.find(Json::parse(own.out)["owner"].get<std::string>()),
            std::string::npos);
}

TEST_F(LockPolicy, RuleIsGone_AdministratorCanReleaseTheLock) {
  ASSERT_TRUE(host.acquire("shared-a", "1m").is_object());
  host.configure("locks: {later: {}}\n");
  host.agent().signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return host.lock({"run", "later", "--", "true"}).status == 0; }));
  EXPECT_TRUE(host.held("shared-a"));
  EXPECT_EQ(host.lock({"release", "shared-a", "--force"}).status, 0);
  EXPECT_TRUE(host.free("shared-a"));
}

TEST_F(LockPolicy, RulesAreReloaded_HeldLocksStayHeld) {
  const TempDir dir;
  const std::string end = (dir / "end").string();
  const auto job = host.start(
      {"run", "shared-a", "--ttl", "1m", "--", "sh", "-c", "until test -e " + end + "; do sleep 0.02; done"});
  ASSERT_TRUE(eventually([&] { return host.held("shared-a"); }));
  host.configure("locks: {later: {}}\n");
  host.agent().signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return host.lock({"run", "later", "--", "true"}).status == 0; }));
  EXPECT_EQ(host.lock({"acquire", "shared-a", "--ttl", "1s"}).status, 2);
  EXPECT_TRUE(job->running()) << job->err();
  const std::string names = unix_http_get(host.runtime_dir() / "agent.sock", "/v1/locks").body;
  EXPECT_NE(names.find("\"shared-a\""), std::string::npos) << "not shown to an administrator: " << names;
  dir.write("end", "");
  EXPECT_EQ(job->wait(), 0) << job->err();
}

TEST_F(LockPolicy, AllRulesAreGone_StatusAndMetricsHaveTheLocksUntilTheyAreReleased) {
  const TempDir dir;
  const auto job = host.start({"run", "shared-a", "--ttl", "1m", "--", "sh", "-c",
                               "until test -e " + (dir / "end").string() + "; do sleep 0.02; done"});
  const auto held = [&] {
    const Json status = Json::parse(unix_http_get(host.runtime_dir() / "agent.sock", "/v1/status").body);
    return status["locks"].is_object() ? status["locks"]["held"].get<int>() : -1;
  };
  ASSERT_TRUE(eventually([&] { return held() == 1; }));
  host.configure("");
  host.agent().signal(SIGHUP);
  ASSERT_TRUE(host.agent().logs("configuration reloaded"));
  EXPECT_EQ(held(), 1);
  EXPECT_NE(unix_http_get(host.runtime_dir() / "agent.sock", "/metrics").body.find("\njeton_locks_held 1\n"),
            std::string::npos);
  dir.write("end", "");
  EXPECT_EQ(job->wait(), 0) << job->err();
  EXPECT_TRUE(eventually([&] { return held() == -1; }));
}

// ApiLimits::connections_per_user is less: locks have limits of their own, which the unit tests reach.
TEST_F(LockPolicy, OneUserAsksForFortyLocks_AllAreGiven) {
  std::vector<std::unique_ptr<Process>> holders;
  for (int i = 0; i < 40; ++i) {
    holders.push_back(host.start({"run", "shared-" + std::to_string(i), "--", "sleep", "1000"}));
  }
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 40; ++i) {
      if (!host.held("shared-" + std::to_string(i))) return false;
    }
    return true;
  }));
}

}  // namespace
}  // namespace jeton::test
