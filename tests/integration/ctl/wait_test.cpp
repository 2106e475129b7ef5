// `jetonctl wait`, as a process on a real segment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/ctl/ctl_host.hpp"
#include "tests/support/scripted_agent.hpp"

namespace jeton::agent {
namespace {

using test::CtlHost;
using test::RunResult;
using test::ScriptedAgent;
using ::testing::HasSubstr;
using ::testing::Not;

class CtlWait : public ::testing::Test {
 protected:
  CtlHost host;
};

TEST_F(CtlWait, TokenIsValid_GenerationIsPrintedAtOnce) {
  host.publish(host.add("wechat"), host.record(7));
  EXPECT_EQ(host.ctl({"wait", "wechat"}).out, "7\n");
  EXPECT_EQ(host.ctl({"wait", "wechat", "--after", "6"}).out, "7\n");
  EXPECT_EQ(host.ctl({"--format", "json", "wait", "wechat"}).out, "{\"name\":\"wechat\",\"generation\":7}\n");
}

TEST_F(CtlWait, AfterIsGiven_BlocksUntilAHigherGeneration) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7));
  test::Process waiting(host.command({"wait", "wechat", "--after", "8"}));
  ASSERT_TRUE(host.waits(waiting));
  host.publish(store, host.record(8));
  host.publish(store, host.record(9));
  EXPECT_EQ(waiting.wait(), 0);
  EXPECT_EQ(waiting.out(), "9\n");
}

TEST_F(CtlWait, TokenHasExpired_BlocksUntilItIsReplaced) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7, -std::chrono::seconds(1)));
  test::Process waiting(host.command({"wait", "wechat"}));
  ASSERT_TRUE(host.waits(waiting));
  host.publish(store, host.record(8));
  EXPECT_EQ(waiting.wait(), 0);
  EXPECT_EQ(waiting.out(), "8\n");
}

TEST_F(CtlWait, AgentHasNotStarted_BlocksUntilTheTokenIsPublished) {
  test::Process waiting(host.command({"wait", "wechat"}));
  ASSERT_TRUE(host.waits(waiting));
  host.publish(host.add("wechat"), host.record(7));
  EXPECT_EQ(waiting.wait(), 0);
}

TEST_F(CtlWait, TimeoutRunsOut_ExitStatusIsFour) {
  SegmentStore& store = host.add("wechat");
  const RunResult none = host.ctl({"wait", "wechat", "--timeout", "20ms"});
  EXPECT_EQ(none.status, 4);
  EXPECT_THAT(none.err, HasSubstr("is not valid"));
  host.publish(store, host.record(7));
  const RunResult old = host.ctl({"wait", "wechat", "--after", "7", "--timeout", "20ms"});
  EXPECT_EQ(old.status, 4);
  EXPECT_THAT(old.err, HasSubstr("no generation above 7"));
}

TEST_F(CtlWait, NoAgentHasRunHere_IsSaidInTheWordsOfGet) {
  for (const char* folder : {"nowhere", "empty"}) {
    const std::filesystem::path dir = host.dir() / folder;
    if (dir.filename() == "empty") std::filesystem::create_directory(dir);
    const RunResult get = test::run({JETONCTL, "--dir", dir, "get", "wechat"});
    EXPECT_EQ(get.status, 2);
    EXPECT_THAT(get.err, HasSubstr("no agent has run here: " + dir.string()));
    const std::string said = get.err.substr(0, get.err.find('\n'));
    const std::string sentence = said.substr(said.find("no agent"));
    const std::string waited = said + "; waiting\njetonctl: waited 20ms: " + sentence + "\n";
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{JETONCTL, "--dir", dir, "wait", "wechat", "--timeout", "20ms"},
                                               {JETONCTL, "--dir", dir, "get", "wechat", "--wait", "20ms"}}) {
      const RunResult result = test::run(words);
      EXPECT_EQ(result.status, 4) << words[3];
      EXPECT_EQ(result.err, waited) << words[3];
    }
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{JETONCTL, "--dir", dir, "status"},
                                               {JETONCTL, "--dir", dir, "refresh", "wechat"},
                                               {JETONCTL, "--dir", dir, "lock", "show", "job"},
                                               {JETONCTL, "--dir", dir, "lock", "acquire", "job", "--ttl", "1m"},
                                               {JETONCTL, "--dir", dir, "rejected", "wechat", "--generation", "7"}}) {
      const RunResult result = test::run(words);
      EXPECT_EQ(result.status, 2) << words[3];
      EXPECT_EQ(result.err, get.err) << words[3];
    }
  }
}

TEST_F(CtlWait, AgentDoesNotAnswer_IsSaidInTheWordsOfGet) {
  const std::string get = host.ctl({"get", "wechat"}).err;
  const std::string sentence =
      get.substr(get.find("there is no token"), get.find('\n') - get.find("there is no token"));
  const RunResult wait = host.ctl({"wait", "wechat", "--timeout", "20ms"});
  EXPECT_EQ(wait.status, 4);
  EXPECT_THAT(wait.err, HasSubstr("waited 20ms: " + sentence + "\n"));
}

// The other command has all its patience with the agent, and began later.
TEST_F(CtlWait, AgentHangs_TimeoutIsThatOfTheCommand) {
  const ScriptedAgent hangs([](int client, int) {
    while (!ScriptedAgent::hear(client).empty()) {
    }
  });
  std::filesystem::create_directory(hangs.directory() / "segments");
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"wait", "wechat", "--timeout", "20ms"},
                                             {"get", "wechat", "--wait", "20ms"},
                                             {"exec", "wechat", "--timeout", "20ms", "--", "true"}}) {
    std::vector<std::string> line{JETONCTL, "--dir", hangs.directory()};
    line.insert(line.end(), words.begin(), words.end());
    test::Process waiting(line);
    test::Process patient({JETONCTL, "--dir", hangs.directory(), "history", "wechat"});
    EXPECT_EQ(waiting.wait(), words.front() == "exec" ? 124 : 4);
    EXPECT_TRUE(CtlHost::waits(patient)) << words.front() << " took as long as a command without a timeout";
    EXPECT_THAT(waiting.err(), HasSubstr("systemctl status jeton-agent")) << "it runs";
    EXPECT_THAT(waiting.err(), Not(HasSubstr("start jeton-agent")));
    patient.signal(SIGKILL);
    patient.wait();
  }
}

TEST_F(CtlWait, NameIsUnknownToTheAgent_ExitStatusIsOne) {
  host.start_agent();
  EXPECT_EQ(host.ctl({"wait", "wechat"}).status, 1);
}

}  // namespace
}  // namespace jeton::agent
