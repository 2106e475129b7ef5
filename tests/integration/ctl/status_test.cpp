// `jetonctl status`, as a process, against a real agent API and without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/api/server/listener.hpp"
#include "tests/integration/ctl/ctl_host.hpp"

namespace jeton::agent {
namespace {

using test::CtlHost;
using test::FakeStatus;
using test::RunResult;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

class CtlStatus : public ::testing::Test {
 protected:
  static void expect_narrow(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
  // A token in trouble in every way that is shown.
  static void trouble(FakeStatus& status, const std::string& name) {
    TokenStatus& token = status.add(name);
    const WallTime now = status.agent_status().now;
    token.phase = RefreshPhase::backing_off;
    token.holds_lock = true;
    token.previous_generation = 1794999999999999;
    token.previous_accept_until = now + std::chrono::minutes(4);
    token.paused_until = now + std::chrono::seconds(630);
    token.pause_reason = "429 from https://api.example.com/token (Retry-After)";
    token.last_error =
        "https://api.example.com/token answered 429 Too Many Requests; the fleet waits for as long as it asked";
    token.last_error_at = now - std::chrono::minutes(7);
  }
  CtlHost host;
};

TEST_F(CtlStatus, AgentAnswers_AgentCoordinatorAndTokensAreShown) {
  host.start_agent().on_loop([](FakeStatus& status) {
    status.add("github");
    trouble(status, "wechat");
  });
  const RunResult result = host.ctl({"status"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("agent 0.1.0 on host-1, pid 4711, up 2m"), HasSubstr("coordinator redis, reachable"),
                    HasSubstr("endpoint redis://127.0.0.1:6379/0"), HasSubstr("-12ms")));
  EXPECT_THAT(result.out, HasSubstr("2 tokens: 2 valid\n"));
  EXPECT_THAT(result.out, ContainsRegex("github +valid +1h 49m +1h 44m +quiet\n"));
  EXPECT_THAT(result.out, ContainsRegex("wechat +valid +1h 49m +1h 44m +paused for 10m [0-9s ]*: 429 from "
                                        "https://api.example.com/token .Retry-After.\n"));
  EXPECT_THAT(result.out, Not(HasSubstr("\033"))) << "no colours into a file";
}

TEST_F(CtlStatus, TokensAreInTrouble_ShowsTheWorstFirst) {
  host.start_agent().on_loop([](FakeStatus& status) {
    status.add("a-good");
    status.add("b-good-and-next").expires_at = status.agent_status().now + std::chrono::seconds(30);
    status.add("c-failing").last_error = "answered 503";
    status.add("d-rejected").rejected = true;
    status.add("e-expired").state = TokenState::expired;
    status.add("f-none").state = TokenState::none;
  });
  const RunResult result = host.ctl({"status"});
  std::vector<std::string> names;
  std::istringstream lines(result.out.substr(result.out.find("NAME")));
  for (std::string line; std::getline(lines, line);) names.push_back(line.substr(0, line.find(' ')));
  EXPECT_THAT(names, ElementsAre("NAME", AnyOf("e-expired", "f-none"), AnyOf("e-expired", "f-none"), "d-rejected",
                                 "c-failing", "b-good-and-next", "a-good"));
  EXPECT_THAT(result.out, HasSubstr("6 tokens: 1 expired, 1 none, 1 rejected, 3 valid\n"));
}

// script(1) runs the command on a terminal of its own, 80 columns wide.
TEST_F(CtlStatus, OnATerminal_EachTokenIsOneLine) {
  host.start_agent().on_loop([](FakeStatus& status) { trouble(status, "wechat"); });
  const std::string command = std::string(JETONCTL) + " --dir " + host.dir().string() + " status";
  test::ProcessOptions options;
  options.env = {{"NO_COLOR", "1"}};
  const std::string out = test::run({"script", "-qec", command, "/dev/null"}, options).out;
  EXPECT_THAT(out, ContainsRegex("wechat +valid +1h 49m +1h 44m +paused for 10m [0-9s ]*: 429 .*[.][.][.]\r\n"));
  expect_narrow(out.substr(out.find("wechat")).substr(0, out.find('\r')));
}

TEST_F(CtlStatus, OneTokenIsAsked_RefreshTimeIsExplained) {
  host.start_agent().on_loop([](FakeStatus& status) { trouble(status, "wechat"); });
  const RunResult result = host.ctl({"status", "wechat"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("= expires - grace 5m - delay 8.2s, drawn from a spread of 10s"),
                    HasSubstr("fingerprint 0badcafe"), HasSubstr("fetched by host-2"),
                    HasSubstr("generation 1794999999999999, acceptable until"), HasSubstr("lock attempts")));
  expect_narrow(result.out);
}

TEST_F(CtlStatus, FormatIsJson_IsTheAnswerOfTheAgent) {
  host.start_agent().on_loop([](FakeStatus& status) { status.add("wechat"); });
  const Json all = Json::parse(host.ctl({"--format", "json", "status"}).out);
  EXPECT_EQ(all["tokens"][0]["name"], "wechat");
  EXPECT_EQ(all["coordinator"]["reachable"], true);
  const Json one = Json::parse(host.ctl({"status", "wechat", "--format", "json"}).out);
  EXPECT_EQ(one["grace_ms"], 300'000);
}

TEST_F(CtlStatus, TokenIsNotValid_ExitStatusIsThree) {
  host.start_agent().on_loop([](FakeStatus& status) {
    status.add("github");
    status.add("wechat").state = TokenState::expired;
  });
  EXPECT_EQ(host.ctl({"status"}).status, 3);
  EXPECT_EQ(host.ctl({"status", "wechat"}).status, 3);
  EXPECT_EQ(host.ctl({"status", "github"}).status, 0);
}

TEST_F(CtlStatus, NameIsUnknownToTheAgent_ExitStatusIsOne) {
  host.start_agent().on_loop([](FakeStatus& status) { status.add("wechat"); });
  const RunResult result = host.ctl({"status", "wechatt"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("did you mean 'wechat'?"));
}

TEST_F(CtlStatus, LocksAreConfigured_TheirStateIsShown) {
  auto& agent = host.start_agent();
  EXPECT_THAT(host.ctl({"status"}).out, Not(HasSubstr("locks")));
  agent.on_loop([](FakeStatus& status) {
    agent::LocksStatus& locks = status.agent().locks.emplace();
    locks.sessions = {3, 2};
    locks.store.last_error = "redis://cache:6379: refused";
  });
  const RunResult result = host.ctl({"status"});
  EXPECT_THAT(result.out, HasSubstr("locks 3 held here, 2 waited for, none can be taken now"));
  EXPECT_THAT(result.out, HasSubstr("refused"));
}

TEST_F(CtlStatus, NoTokensAreConfigured_ExitStatusIsZero) {
  host.start_agent();
  const RunResult result = host.ctl({"status"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("no tokens are configured"));
}

TEST_F(CtlStatus, NoAgentAnswers_SegmentsAreShownAndExitStatusIsTwo) {
  host.publish(host.add("github"), host.record(7));
  SegmentStore& wechat = host.add("wechat");
  // Not at the edge of a minute: a reader's clock may be some milliseconds behind.
  wechat.heartbeat(SystemClock().wall_now() - std::chrono::minutes(3 * 60 + 30) - std::chrono::seconds(10));
  host.publish(wechat, host.record(8, -std::chrono::seconds(5)));
  host.add("zoom");
  const RunResult result = host.ctl({"status"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("the agent does not answer"), HasSubstr("stay readable until they expire")));
  EXPECT_THAT(result.out, ContainsRegex("github +valid +7 +1h 59m"));
  EXPECT_THAT(result.out, ContainsRegex("wechat +expired +8 +[0-9.]+s ago +3h 3[0-9]m ago"));
  EXPECT_THAT(result.out, ContainsRegex("zoom +none"));
  EXPECT_THAT(result.out, Not(HasSubstr("s3cret")));
  expect_narrow(result.out);

  const RunResult json = host.ctl({"--format", "json", "status", "github"});
  EXPECT_EQ(json.status, 2);
  const Json parsed = Json::parse(json.out);
  EXPECT_EQ(parsed["error"]["code"], "agent_unreachable");
  ASSERT_EQ(parsed["segments"].size(), 1U);
  EXPECT_EQ(parsed["segments"][0]["state"], "valid");
  EXPECT_EQ(parsed["segments"][0]["generation"], 7);
}

TEST_F(CtlStatus, NoAgentAnswersAndTheNameIsWrong_NamesWhatIsThere) {
  host.publish(host.add("github"), host.record(7));
  const RunResult result = host.ctl({"status", "githb"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, AllOf(HasSubstr("there is no token 'githb'"), HasSubstr("(there: github)")));
}

TEST_F(CtlStatus, NoAgentEverRan_ExitStatusIsTwo) {
  const RunResult result = test::run({JETONCTL, "--dir", host.dir() / "nowhere", "status"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("no agent has run here"));
}

TEST_F(CtlStatus, SocketIsLeftOfAKilledAgent_ExitStatusIsTwo) {
  host.start_agent();
  std::filesystem::rename(host.dir() / "agent.sock", host.dir() / "kept.sock");
  host.stop_agent();
  std::filesystem::rename(host.dir() / "kept.sock", host.dir() / "agent.sock");
  const RunResult result = host.ctl({"status"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("Connection refused"));
}

TEST_F(CtlStatus, OtherUser_SeesWhichSegmentsAreDenied) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to run jetonctl as another user";
  host.publish(host.add("wechat"), host.record(7));
  test::ProcessOptions nobody;
  nobody.uid = 65534;
  nobody.gid = 65534;
  EXPECT_THAT(host.ctl({"status"}, nobody).out, ContainsRegex("wechat +denied .*permission denied"));
  host.start_agent().on_loop([](FakeStatus& status) { status.add("wechat"); });
  EXPECT_EQ(host.ctl({"status"}, nobody).status, 0) << "the state is for everybody";
}

TEST_F(CtlStatus, ErrorHasControlCharacters_ArePrintedAsQuestionMarks) {
  host.start_agent().on_loop([](FakeStatus& status) {
    status.add("wechat").last_error =
        "\033]0;owned\007 \xc2\x9b"
        "31m bad\nnews";
  });
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"status"}, {"status", "wechat"}}) {
    const RunResult result = host.ctl(arguments);
    EXPECT_THAT(result.out, HasSubstr("?]0;owned? ??31m bad?news"));
  }
}

TEST_F(CtlStatus, ProxyIsInTheEnvironment_IsNotUsed) {
  host.start_agent();
  test::ProcessOptions options;
  options.env = {{"http_proxy", "http://127.0.0.1:1"}, {"ALL_PROXY", "http://127.0.0.1:1"}};
  EXPECT_EQ(host.ctl({"status"}, options).status, 0);
}

// script(1) runs the command on a terminal of its own.
TEST_F(CtlStatus, OnATerminal_IsColouredUnlessNoColorIsSet) {
  host.start_agent().on_loop([](FakeStatus& status) { status.add("wechat"); });
  const std::string command = std::string(JETONCTL) + " --dir " + host.dir().string() + " status";
  test::ProcessOptions options;
  options.env = {{"TERM", "xterm"}, {"NO_COLOR", ""}};
  EXPECT_THAT(test::run({"script", "-qec", command, "/dev/null"}, options).out, HasSubstr("\033[32mvalid"));
  options.env["NO_COLOR"] = "1";
  EXPECT_THAT(test::run({"script", "-qec", command, "/dev/null"}, options).out, Not(HasSubstr("\033[")));
}

}  // namespace
}  // namespace jeton::agent
