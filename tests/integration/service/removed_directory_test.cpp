// The files of the agent in its runtime directory are removed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RemovedDirectory : public testing::Test {
 protected:
  void start(AgentProcess& agent) {
    agent.start();
    ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  }
  RunResult get(const AgentProcess& agent) const {
    return run({JETONCTL, "--dir", agent.runtime_dir().string(), "get", "api"});
  }

  FaultProvider provider_{{.lifetime = seconds(600)}};
};

TEST_F(RemovedDirectory, AllOfItIsGone_IsMadeAnewWithTheTokenAndNothingIsFetched) {
  AgentProcess agent{{.token_url = provider_.url()}};
  start(agent);
  const std::string token = get(agent).out;
  std::filesystem::remove_all(agent.runtime_dir());
  ASSERT_TRUE(eventually([&] { return get(agent).status == 0; })) << agent.log();
  EXPECT_EQ(get(agent).out, token);
  EXPECT_TRUE(eventually([&] { return agent.valid(); }));
  EXPECT_EQ(provider_.counts().requests, 1U);
  // The local coordinator goes on, too.
  EXPECT_EQ(run({JETONCTL, "--dir", agent.runtime_dir().string(), "refresh", "api", "--wait", "20s"}).status, 0)
      << agent.log();
}

TEST_F(RemovedDirectory, SocketIsGone_IsMadeAnew) {
  AgentProcess agent{{.token_url = provider_.url()}};
  start(agent);
  std::filesystem::remove(agent.runtime_dir() / "agent.sock");
  EXPECT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
}

// A service may not make it anew, but its manager does at the next start.
TEST_F(RemovedDirectory, ServiceCannotMakeItAnew_EndsToBeStartedAgain) {
  AgentProcess agent{{.token_url = provider_.url()}, {.env = {{"NOTIFY_SOCKET", "/nonexistent/notify"}}}};
  start(agent);
  std::filesystem::remove_all(agent.runtime_dir());
  std::ofstream(agent.runtime_dir()) << "in its place";
  EXPECT_EQ(agent.wait(), 1);
  EXPECT_THAT(agent.log(),
              AllOf(HasSubstr("Not a directory"), HasSubstr("info stopped"), Not(HasSubstr("cannot continue"))));
}

TEST_F(RemovedDirectory, CannotBeMadeAnewAndNobodyWouldStartTheAgent_IsTriedAgain) {
  AgentProcess agent{{.token_url = provider_.url()}};
  start(agent);
  std::filesystem::remove_all(agent.runtime_dir());
  std::ofstream(agent.runtime_dir()) << "in its place";
  ASSERT_TRUE(agent.logs("cannot be created again"));
  std::filesystem::remove(agent.runtime_dir());
  EXPECT_TRUE(eventually([&] { return get(agent).status == 0; })) << agent.log();
}

}  // namespace
}  // namespace jeton::test
