// `jetonctl exec` when a token changes, and when the command ends by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "tests/integration/ctl/exec_host.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using Words = std::vector<std::string>;

class ExecChange : public Exec {
 protected:
  ExecChange() { publish(a, "a1"); }
  [[nodiscard]] static Words at_once(Words words) {
    words.insert(words.end(), {"--settle", "0s"});
    return words;
  }

  agent::SegmentStore& a = host.add("a");
};

TEST_F(ExecChange, RestartIsAskedFor_CommandIsStartedAgainWithTheNewToken) {
  const std::vector<std::pair<Words, std::string>> ways{
      {{}, "note $JETON_TOKEN_A"}, {{"--fd", "3"}, "note $(cat <&3)"}, {{"--stdin"}, "read token; note $token"}};
  Lines expected;
  for (const auto& [way, script] : ways) {
    publish(a, "old");
    Words words = at_once({"a", "--restart-on-change"});
    words.insert(words.end(), way.begin(), way.end());
    const auto exec = start(words, script + "; exec sleep 1000");
    expected.emplace_back("old");
    ASSERT_TRUE(noted(expected)) << exec->err();
    publish(a, "new");
    expected.emplace_back("new");
    EXPECT_TRUE(noted(expected)) << script << exec->err();
    EXPECT_THAT(exec->err(), HasSubstr("token 'a' has changed; restarting the command"));
    exec->signal(SIGTERM);
    EXPECT_EQ(exec->wait(), 128 + SIGTERM);
  }
}

// The command reads the new token by itself.
TEST_F(ExecChange, SignalIsAskedFor_CommandGetsItAndGoesOn) {
  const auto exec = start(at_once({"a", "--signal-on-change", "HUP"}),
                          "trap 'note $($0 get a)' HUP; note $JETON_TOKEN_A; while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"a1"})) << exec->err();
  publish(a, "a2");
  EXPECT_TRUE(noted({"a1", "a2"})) << exec->err();
  publish(a, "a3");
  EXPECT_TRUE(noted({"a1", "a2", "a3"})) << exec->err();
  exec->signal(SIGTERM);
  EXPECT_EQ(exec->wait(), 128 + SIGTERM);
}

// As a program that asks for commands goes on after Ctrl-C.
TEST_F(ExecChange, CommandGoesOnThoughAskedToEnd_StillGetsTheSignal) {
  const auto exec = start(at_once({"a", "--signal-on-change", "HUP"}),
                          "trap 'note term' TERM; trap 'note hup' HUP; note ready; while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"ready"})) << exec->err();
  exec->signal(SIGTERM);
  ASSERT_TRUE(noted({"ready", "term"})) << exec->err();
  publish(a, "a2");
  EXPECT_TRUE(noted({"ready", "term", "hup"})) << exec->err();
  exec->signal(SIGUSR1);
  EXPECT_EQ(exec->wait(), 128 + SIGUSR1);
}

TEST_F(ExecChange, NothingIsAskedFor_CommandGoesOn) {
  const auto exec =
      start(at_once({"a"}), "trap 'note usr1; exit 5' USR1; note $JETON_TOKEN_A; while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"a1"})) << exec->err();
  publish(a, "a2");
  exec->signal(SIGUSR1);
  EXPECT_EQ(exec->wait(), 5);
  EXPECT_EQ(lines(), Lines({"a1", "usr1"}));
}

// It sees both changes in one look, whatever the machine does meanwhile; how long it waits for the second is in
// ChangeTimer's tests.
TEST_F(ExecChange, SeveralTokensChange_CommandIsStartedOnce) {
  agent::SegmentStore& b = host.add("b");
  publish(b, "b1");
  const auto exec =
      start(at_once({"a,b", "--restart-on-change"}), "note $JETON_TOKEN_A $JETON_TOKEN_B; exec sleep 1000");
  ASSERT_TRUE(noted({"a1 b1"})) << exec->err();
  exec->signal(SIGSTOP);
  const std::string stat = "/proc/" + std::to_string(exec->pid()) + "/stat";
  ASSERT_TRUE(eventually([&] { return read_file(stat).find("(jetonctl) T ") != std::string::npos; }));
  publish(a, "a2");
  publish(b, "b2");
  exec->signal(SIGCONT);
  EXPECT_TRUE(noted({"a1 b1", "a2 b2"})) << exec->err();
  EXPECT_THAT(exec->err(), HasSubstr("tokens 'a', 'b' have changed"));
}

TEST_F(ExecChange, AnotherTokenIsNotValid_CommandStaysUntilAllAre) {
  agent::SegmentStore& b = host.add("b");
  publish(b, "b1");
  const auto exec = start(at_once({"a,b", "--restart-on-change"}),
                          "trap 'note usr1' USR1; trap 'note term; exit 0' TERM; note $JETON_TOKEN_A $JETON_TOKEN_B; "
                          "while :; do sleep 0.05; done");
  Lines expected{"a1 b1"};
  ASSERT_TRUE(noted(expected)) << exec->err();
  publish(b, "expired", -std::chrono::seconds(1));
  publish(a, "a2");
  // It looks at the tokens after each signal that it has passed on.
  for (int i = 0; i < 2; ++i) {
    exec->signal(SIGUSR1);
    expected.emplace_back("usr1");
    ASSERT_TRUE(noted(expected)) << exec->err();
  }
  publish(b, "b2");
  expected.insert(expected.end(), {"term", "a2 b2"});
  EXPECT_TRUE(noted(expected)) << exec->err();
}

TEST_F(ExecChange, CommandIgnoresTheSignal_IsKilledAfterTheGrace) {
  const auto exec = start(at_once({"a", "--restart-on-change", "--grace", "100ms"}),
                          "trap '' TERM; note $JETON_TOKEN_A; while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"a1"})) << exec->err();
  publish(a, "a2");
  EXPECT_TRUE(noted({"a1", "a2"})) << exec->err();
  EXPECT_THAT(exec->err(), HasSubstr("did not end within 100ms; killing it"));
}

TEST_F(ExecChange, AnotherSignalEndsTheCommand_ItIsSentForARestart) {
  const auto exec =
      start(at_once({"a", "--restart-on-change", "--stop-signal", "USR2"}),
            "trap '' TERM; trap 'note usr2; exit 0' USR2; note $JETON_TOKEN_A; while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"a1"})) << exec->err();
  publish(a, "a2");
  EXPECT_TRUE(noted({"a1", "usr2", "a2"})) << exec->err();
}

TEST_F(ExecChange, CommandLeftAProcessBehind_ItIsGoneBeforeTheNextStart) {
  const auto exec = start(at_once({"a", "--restart-on-change", "--grace", "100ms"}),
                          "[ $JETON_TOKEN_A = a2 ] && { kill -0 $(cat " + file("pid") +
                              ") || note gone; exec sleep 1000; }; "
                              "setsid sh -c \"trap '' TERM; echo \\$\\$ >" +
                              file("new") + "; mv " + file("new") + " " + file("pid") +
                              "; while :; do sleep 0.05; done\" & until [ -e " + file("pid") +
                              " ]; do sleep 0.05; done; note ready; exec sleep 1000");
  ASSERT_TRUE(noted({"ready"})) << exec->err();
  publish(a, "a2");
  EXPECT_TRUE(noted({"ready", "gone"})) << exec->err();
}

TEST_F(ExecChange, IsAskedToEndDuringARestart_CommandIsNotStartedAgain) {
  const auto exec = start(at_once({"a", "--restart-on-change", "--grace", "1h"}),
                          "trap 'touch " + file("told") + "; until [ -e " + file("go") +
                              " ]; do sleep 0.05; done; exit 9' TERM; note $JETON_TOKEN_A; "
                              "while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"a1"})) << exec->err();
  publish(a, "a2");
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(file("told")); })) << exec->err();
  exec->signal(SIGTERM);
  dir.write("go", "");
  EXPECT_EQ(exec->wait(), 9) << exec->err();
  EXPECT_EQ(lines(), Lines({"a1"}));
}

// A service manager reloads; no command is there that the signal could reach.
TEST_F(ExecChange, HangupOfAProcessComesBetweenStopAndStart_NextCommandIsStarted) {
  const auto exec = start(at_once({"a", "--restart-on-change", "--grace", "1h"}),
                          "trap 'note term; until [ -e " + file("go") +
                              " ]; do sleep 0.05; done; exit 0' TERM; note $JETON_TOKEN_A; "
                              "while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"a1"})) << exec->err();
  publish(a, "a2");
  ASSERT_TRUE(noted({"a1", "term"})) << exec->err();
  publish(a, "expired", -std::chrono::seconds(1));
  dir.write("go", "");
  ASSERT_TRUE(says(*exec, "; waiting")) << exec->err();
  exec->signal(SIGHUP);
  publish(a, "a3");
  EXPECT_TRUE(noted({"a1", "term", "a3"})) << exec->err();
}

// As it does at any other time.
TEST_F(ExecChange, HangupEndsTheCommandDuringARestart_ItIsNotStartedAgain) {
  const auto exec = start(at_once({"a", "--restart-on-change", "--grace", "1h"}),
                          "trap 'note term; while :; do sleep 0.05; done' TERM; note $JETON_TOKEN_A; "
                          "while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"a1"})) << exec->err();
  publish(a, "a2");
  ASSERT_TRUE(noted({"a1", "term"})) << exec->err();
  exec->signal(SIGHUP);
  EXPECT_EQ(exec->wait(), 128 + SIGHUP) << exec->err();
  EXPECT_EQ(lines(), Lines({"a1", "term"}));
}

// Ctrl-Z stops jetonctl and the command. The time in which neither could do anything does not count.
TEST_F(ExecChange, IsStoppedForLongerThanTheGrace_CommandHasItsWholeGraceAgain) {
  constexpr auto grace = std::chrono::seconds(5);
  const auto exec = start(at_once({"a", "--restart-on-change", "--grace", "5s"}),
                          "trap 'note usr1' USR1; trap 'note term; until [ -e " + file("go") +
                              " ]; do sleep 0.05; done; note ended; exit 0' TERM; note $JETON_TOKEN_A; "
                              "while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"a1"})) << exec->err();
  publish(a, "a2");
  ASSERT_TRUE(noted({"a1", "term"})) << exec->err();
  exec->signal(SIGSTOP);
  const auto stopped = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < stopped + grace) std::this_thread::sleep_for(grace / 50);
  exec->signal(SIGUSR1);
  exec->signal(SIGCONT);
  ASSERT_TRUE(noted({"a1", "term", "usr1"})) << exec->err();
  dir.write("go", "");
  EXPECT_TRUE(noted({"a1", "term", "usr1", "ended", "a2"})) << exec->err();
}

TEST_F(ExecChange, CommandFails_IsStartedAgainOnlyIfThatIsAskedFor) {
  const std::string fails_twice = "note $JETON_TOKEN_A; [ $(wc -l <" + file("lines") + ") = 4 ]";
  EXPECT_EQ(run_to_its_end({"a", "--restart-on-change"}, fails_twice).status, 1);
  EXPECT_THAT(lines(), SizeIs(1));
  const RunResult result = run_to_its_end({"a", "--restart-on-failure"}, fails_twice);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(lines(), SizeIs(4));
  EXPECT_THAT(result.err, HasSubstr("the command ended with status 1 after "));
}

TEST_F(ExecChange, IsAskedToEndBetweenTwoStarts_EndsByTheSignal) {
  const auto exec = start({"a", "--restart-on-failure"},
                          "[ -e " + file("once") + " ] && exec sleep 1000; touch " + file("once") + "; exit 1");
  ASSERT_TRUE(says(*exec, "starting it again"));
  exec->signal(SIGTERM);
  EXPECT_EQ(exec->wait(), 128 + SIGTERM);
}

TEST(ExecBesideAnAgent, TokenIsRefreshed_CommandIsStartedAgainWithTheNewOne) {
  FaultProvider provider({.lifetime = std::chrono::minutes(10)});
  AgentProcess agent({.token_url = provider.url(), .refresh = "{min_interval: 10ms}"});
  agent.start();
  const TempDir dir;
  const std::string seen = (dir / "seen").string();
  const std::string at = agent.runtime_dir();
  Process exec({JETONCTL, "--dir", at, "exec", "api", "--restart-on-change", "--settle", "50ms", "--splay", "50ms",
                "--", "sh", "-c", "echo $JETON_TOKEN_API >>" + seen + "; exec sleep 1000"});
  const auto tokens = [&] { return std::filesystem::exists(seen) ? read_file(seen) : ""; };
  EXPECT_TRUE(eventually([&] { return !tokens().empty(); })) << exec.err();
  const std::string first = provider.issued().at(0).value + "\n";
  EXPECT_EQ(tokens(), first);
  EXPECT_EQ(run({JETONCTL, "--dir", at, "refresh", "api"}).status, 0);
  EXPECT_TRUE(eventually([&] { return tokens().size() > first.size(); })) << exec.err();
  EXPECT_EQ(tokens(), first + provider.issued().at(1).value + "\n");
  agent.kill();
  EXPECT_TRUE(exec.running()) << "it needs no agent";
  exec.signal(SIGTERM);
  EXPECT_EQ(exec.wait(), 128 + SIGTERM);
}

}  // namespace
}  // namespace jeton::test
