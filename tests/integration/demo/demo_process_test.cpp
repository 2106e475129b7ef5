// The demo as a user runs it: real processes, signals, a terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"

namespace jeton::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DemoProcess : public ::testing::Test {
 protected:
  // Works below a directory of the test's own, so that what it leaves behind is seen.
  [[nodiscard]] ProcessOptions options() const {
    ProcessOptions o;
    o.env["XDG_RUNTIME_DIR"] = dir_.path().string();
    o.env["TERM"] = "xterm";
    return o;
  }
  static std::vector<std::string> command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {JETON_AGENT_BINARY, "demo"});
    return arguments;
  }
  [[nodiscard]] bool left_nothing() const { return std::filesystem::is_empty(dir_.path()); }

  // The child whose command line holds this word; 0 if there is none.
  static pid_t child(pid_t parent, const std::string& word) {
    std::ifstream children("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children");
    for (pid_t pid = 0; children >> pid;) {
      std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
      std::stringstream text;
      text << file.rdbuf();
      if (text.str().find(std::string(1, '\0') + word + '\0') != std::string::npos) return pid;
    }
    return 0;
  }
  // Ended; perhaps not yet reaped by whoever inherited it.
  static bool gone(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    return !std::getline(stat, line) || line.find(") Z ") != std::string::npos;
  }

  TempDir dir_;
};

TEST_F(DemoProcess, IsInterruptedAfterARefresh_EndsItsChildrenAndCleansUp) {
  Process demo(command({"--lifetime", "10s"}), options());
  ASSERT_TRUE(eventually([&] { return demo.out().find(" refreshes=1 ") != std::string::npos; })) << demo.out();
  const pid_t agent = child(demo.pid(), "run");
  const pid_t reader = child(demo.pid(), "demo-reader");
  ASSERT_NE(agent, 0);
  ASSERT_NE(reader, 0);
  demo.signal(SIGINT);
  EXPECT_EQ(demo.wait(), 0) << demo.err();
  EXPECT_THAT(demo.out(), HasSubstr("with 0 errors"));
  EXPECT_THAT(demo.out(), HasSubstr("phase=quiet"));
  EXPECT_THAT(demo.out(), Not(HasSubstr("\x1b")));
  EXPECT_TRUE(gone(agent));
  EXPECT_TRUE(gone(reader));
  EXPECT_TRUE(left_nothing());
}

TEST_F(DemoProcess, TimeIsOver_EndsAndCleansUp) {
  const RunResult result = run(command({"--for", "2s"}), options());
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\njeton demo: in "));
  EXPECT_TRUE(left_nothing());
}

TEST_F(DemoProcess, AgentIsKilled_EndsWithAnErrorAndTheLog) {
  Process demo(command({}), options());
  ASSERT_TRUE(eventually([&] { return demo.out().find(" state=valid ") != std::string::npos; })) << demo.out();
  ASSERT_EQ(::kill(child(demo.pid(), "run"), SIGKILL), 0);
  EXPECT_EQ(demo.wait(), 1);
  EXPECT_THAT(demo.err(), HasSubstr("the agent ended by itself (killed by signal 9); its last log lines:\n  20"));
  EXPECT_TRUE(left_nothing());
}

TEST_F(DemoProcess, ParentIgnoresHangupAndTheEndOfChildren_RunsOnAndTellsOfADeadAgent) {
  std::vector<std::string> below{"env", "--ignore-signal=HUP,CHLD"};
  for (const std::string& word : command({"--lifetime", "10s"})) below.push_back(word);
  Process demo(below, options());
  ASSERT_TRUE(eventually([&] { return demo.out().find(" state=valid ") != std::string::npos; })) << demo.out();
  demo.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return demo.out().find(" refreshes=1 ") != std::string::npos; })) << demo.out();
  ASSERT_EQ(::kill(child(demo.pid(), "run"), SIGKILL), 0);
  EXPECT_EQ(demo.wait(), 1);
  EXPECT_THAT(demo.err(), HasSubstr("the agent ended by itself (killed by signal 9)"));
}

TEST_F(DemoProcess, DemoIsKilled_ItsChildrenEnd) {
  Process demo(command({}), options());
  ASSERT_TRUE(eventually([&] { return demo.out().find(" state=valid ") != std::string::npos; })) << demo.out();
  const pid_t agent = child(demo.pid(), "run");
  const pid_t reader = child(demo.pid(), "demo-reader");
  demo.kill();
  EXPECT_TRUE(eventually([&] { return gone(agent) && gone(reader); }));
}

TEST_F(DemoProcess, LifetimeIsImpossible_IsRefused) {
  for (const char* lifetime : {"1s", "2h", "soon"}) {
    const RunResult result = run(command({"--lifetime", lifetime}), options());
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, HasSubstr("--lifetime"));
  }
}

TEST_F(DemoProcess, OnATerminal_IsRedrawnInPlaceAndRestored) {
  // script(1) gives it a terminal.
  const std::string line = std::string(JETON_AGENT_BINARY) + " demo --for 2s";
  const RunResult colored = run({"script", "-qec", line, "/dev/null"}, options());
  EXPECT_EQ(colored.status, 0) << colored.out << colored.err;
  EXPECT_THAT(colored.out, HasSubstr("\x1b[1mjeton demo"));
  EXPECT_THAT(colored.out, HasSubstr("A\r"));
  EXPECT_THAT(colored.out, HasSubstr("\x1b[?25h"));
  EXPECT_LT(colored.out.find("\x1b[?25h"), colored.out.find("jeton demo: in "));

  ProcessOptions plain = options();
  plain.env["NO_COLOR"] = "1";
  const RunResult uncolored = run({"script", "-qec", line, "/dev/null"}, plain);
  EXPECT_THAT(uncolored.out, Not(HasSubstr("\x1b[1m")));
  EXPECT_TRUE(left_nothing());
}

}  // namespace
}  // namespace jeton::test
