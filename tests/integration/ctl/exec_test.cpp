// `jetonctl exec`: how the command gets the tokens, its signals and its status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/ctl/exec_host.hpp"

namespace jeton::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Notes its number and does nothing else.
const std::string stays = "note $$; exec sleep 1000";

TEST_F(Exec, NoOtherWayIsChosen_TokenIsInTheVariableOfItsName) {
  publish(host.add("github-app.main"), "s3cret");
  const RunResult result = run_to_its_end(
      {"github-app.main"}, "echo $JETON_TOKEN_GITHUB_APP_MAIN $JETON_GENERATION_GITHUB_APP_MAIN; exit 42");
  EXPECT_EQ(result.status, 42);
  EXPECT_EQ(result.out, "s3cret 7\n");
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(Exec, VariableIsNamed_TokenIsInIt) {
  publish(host.add("a"), "first");
  publish(host.add("b"), "second");
  const RunResult result = run_to_its_end({"a,b", "--env", "TOKEN=a", "--env", "SAME=a"},
                                          "echo $TOKEN $SAME ${JETON_TOKEN_A-unset} $JETON_TOKEN_B");
  EXPECT_EQ(result.out, "first first unset second\n") << result.err;
}

TEST_F(Exec, DescriptorIsChosen_TokenIsReadFromItAndFromNowhereElse) {
  publish(host.add("a"), "first");
  publish(host.add("b"), "second");
  const RunResult result = run_to_its_end(
      {"a,b", "--fd", "3"}, "cat <&3; echo; cat <&4; echo; cat /dev/fd/3; echo; env | grep -cE '=(first|second)$'");
  EXPECT_EQ(result.out, "first\nsecond\nfirst\n0\n") << result.err;
}

// 1024 is the usual limit. Numbers that jetonctl itself uses are given as well.
TEST_F(Exec, DescriptorIsTheLastOrInUse_TokenIsReadFromIt) {
  publish(host.add("a"), "first");
  publish(host.add("b"), "second");
  const auto limited = [&](int fd) {
    const std::string script = "cat /dev/fd/" + std::to_string(fd) + " /dev/fd/" + std::to_string(fd + 1);
    return host.shell("ulimit -n 1024; exec \"$@\"",
                      {"exec", "a,b", "--fd", std::to_string(fd), "--", "sh", "-c", script});
  };
  for (const int fd : {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1022}) {
    const RunResult result = limited(fd);
    EXPECT_EQ(result.out, "firstsecond") << fd << ": " << result.err;
  }
}

TEST_F(Exec, DescriptorIsChosen_MemoryIsSealed) {
  publish(host.add("a"), "first");
  const RunResult result =
      run_to_its_end({"a", "--fd", "9"}, "echo x >&9; echo x >/dev/fd/9; echo x >>/dev/fd/9; cat <&9");
  EXPECT_EQ(result.out, "first");
  EXPECT_THAT(result.err, HasSubstr("not permitted"));
}

TEST_F(Exec, StdinIsChosen_TokensAreItsLines) {
  publish(host.add("a"), "first");
  publish(host.add("b"), "second");
  const RunResult result = run_to_its_end({"b,a", "--stdin"}, "cat; env | grep -cE '=(first|second)$'");
  EXPECT_EQ(result.out, "second\nfirst\n0\n") << result.err;
}

// The kernel refuses a longer variable, in words that name neither the token nor a remedy.
TEST_F(Exec, TokenIsTooLongForAVariable_ErrorSaysWhatToDo) {
  auto& store = host.add("wechat", {}, 256 * 1024);
  publish(store, std::string(128 * 1024 - std::string("JETON_TOKEN_WECHAT=").size() - 1, 'x'));
  EXPECT_EQ(run_to_its_end({"wechat"}, "exit 3").status, 3);
  publish(store, std::string(128 * 1024, 'x'));
  const RunResult result = run_to_its_end({"wechat"}, "exit 3");
  EXPECT_EQ(result.status, 125);
  EXPECT_THAT(result.err, HasSubstr("token 'wechat' is too long for a variable (131072 bytes); give it to the command "
                                    "with --fd or --stdin"));
  EXPECT_EQ(run_to_its_end({"wechat", "--fd", "3"}, "exit 3").status, 3);
}

// What any user of the host may see.
TEST_F(Exec, CommandRuns_NoArgumentHasTheToken) {
  publish(host.add("a"), "s3cret");
  const auto exec = start({"a", "--env", "TOKEN=a", "--fd", "3"}, stays);
  ASSERT_TRUE(eventually([&] { return lines().size() == 1; })) << exec->err();
  // Empty for a moment while a process becomes another program.
  const auto words_of = [](const std::string& pid) { return read_file("/proc/" + pid + "/cmdline"); };
  ASSERT_TRUE(eventually([&] { return words_of(lines().front()).starts_with("sleep"); }));
  EXPECT_THAT(words_of(lines().front()), Not(HasSubstr("s3cret")));
  EXPECT_THAT(words_of(std::to_string(exec->pid())), AllOf(HasSubstr("TOKEN=a"), Not(HasSubstr("s3cret"))));
  EXPECT_THAT(read_file("/proc/" + std::to_string(exec->pid()) + "/environ"), Not(HasSubstr("s3cret")));
  EXPECT_THAT(read_file("/proc/" + lines().front() + "/environ"), HasSubstr("TOKEN=s3cret"));
}

TEST_F(Exec, CommandEnds_StatusIsItsOwn) {
  publish(host.add("a"), "s3cret");
  EXPECT_EQ(run_to_its_end({"a", "--restart-on-change"}, "exit 3").status, 3);
  EXPECT_EQ(run_to_its_end({"a"}, "kill -KILL $$").status, 128 + SIGKILL);
  EXPECT_EQ(host.ctl({"exec", "a", "--", "/nonexistent"}).status, 127);
  EXPECT_EQ(host.ctl({"exec", "a", "--restart-on-failure", "--", "/nonexistent"}).status, 127);
  EXPECT_EQ(host.ctl({"exec", "a", "--", "/etc/passwd"}).status, 126);
}

TEST_F(Exec, Signal_IsPassedOn) {
  publish(host.add("a"), "s3cret");
  const auto exec = start({"a", "--restart-on-failure"},
                          "trap 'note usr1' USR1; trap 'note winch' WINCH; trap 'note rt' " + std::to_string(SIGRTMIN) +
                              "; trap 'exit 7' TERM; note ready; while :; do sleep 0.05; done");
  ASSERT_TRUE(noted({"ready"})) << exec->err();
  exec->signal(SIGUSR1);
  EXPECT_TRUE(noted({"ready", "usr1"}));
  exec->signal(SIGWINCH);
  EXPECT_TRUE(noted({"ready", "usr1", "winch"})) << "the image of httpd is stopped by it";
  exec->signal(SIGRTMIN);
  EXPECT_TRUE(noted({"ready", "usr1", "winch", "rt"}));
  exec->signal(SIGTERM);
  EXPECT_EQ(exec->wait(), 7) << "one that was asked to end is not started again";
}

TEST_F(Exec, IsKilled_CommandIsKilledToo) {
  publish(host.add("a"), "s3cret");
  const auto exec = start({"a"}, stays);
  ASSERT_TRUE(eventually([&] { return lines().size() == 1; })) << exec->err();
  exec->kill();
  EXPECT_TRUE(eventually([&] { return all_gone(noted_pids(file("lines"))); }));
}

TEST_F(Exec, NoValidTokenInTime_Is124AndSaysWhy) {
  agent::SegmentStore& store = host.add("a");
  const RunResult none = run_to_its_end({"a", "--timeout", "0s"}, "note ran");
  EXPECT_EQ(none.status, 124);
  EXPECT_THAT(none.err, AllOf(HasSubstr("has no token 'a' yet"), Not(HasSubstr("waited"))));
  publish(store, "old", -std::chrono::seconds(1));
  const RunResult expired = run_to_its_end({"a", "--timeout", "20ms"}, "note ran");
  EXPECT_EQ(expired.status, 124);
  EXPECT_THAT(expired.err, HasSubstr("waited 20ms: token 'a' has expired"));
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Exec, TokenIsNotThereYet_IsWaitedFor) {
  publish(host.add("a"), "first");
  const auto exec = start({"a,b"}, "note $JETON_TOKEN_A $JETON_TOKEN_B");
  ASSERT_TRUE(says(*exec, "; waiting"));
  publish(host.add("b"), "second");
  EXPECT_EQ(exec->wait(), 0) << exec->err();
  EXPECT_EQ(lines(), Lines({"first second"}));
}

TEST_F(Exec, IsEndedWhileItWaits_RunsNothing) {
  host.add("a");
  const auto exec = start({"a"}, "note ran");
  ASSERT_TRUE(says(*exec, "; waiting"));
  exec->signal(SIGTERM);
  EXPECT_EQ(exec->wait(), 128 + SIGTERM);
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Exec, TerminalIsResizedWhileItWaits_WaitGoesOn) {
  agent::SegmentStore& store = host.add("a");
  const auto exec = start({"a"}, "note $JETON_TOKEN_A");
  ASSERT_TRUE(says(*exec, "; waiting"));
  exec->signal(SIGWINCH);
  publish(store, "first");
  EXPECT_EQ(exec->wait(), 0) << exec->err();
  EXPECT_EQ(lines(), Lines({"first"}));
}

TEST_F(Exec, TokenIsUnknown_Is125AndTheMeantNameIsSaid) {
  host.start_agent().on_loop([](auto& status) { status.add("wechat"); });
  const RunResult unknown = run_to_its_end({"wehcat"}, "note ran");
  EXPECT_EQ(unknown.status, 125);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'wechat'?"));
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Exec, UserMayNotReadTheToken_Is125AndSaysWhatToDo) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to run jetonctl as another user";
  publish(host.add("closed"), "s3cret");
  const RunResult denied = host.ctl({"exec", "closed", "--", "true"}, {.uid = 65534, .gid = 65534});
  EXPECT_EQ(denied.status, 125);
  EXPECT_THAT(denied.err, HasSubstr("tokens.closed.access.groups"));
}

// jetonctl in a terminal of its own, as the leader of its session.
class InTerminal {
 public:
  explicit InTerminal(std::vector<std::string> words) {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (pid_ < 0) throw std::runtime_error("no terminal is left");
    if (pid_ > 0) return;
    ::execv(argv.front(), argv.data());
    ::_exit(126);
  }
  InTerminal(const InTerminal&) = delete;
  InTerminal& operator=(const InTerminal&) = delete;
  ~InTerminal() {
    if (!ended_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    hang_up();
  }

  void press(char key) const { EXPECT_EQ(::write(terminal_, &key, 1), 1); }
  void signal(int number) const { ::kill(pid_, number); }
  // The end of the connection, as of ssh.
  void hang_up() {
    if (terminal_ >= 0) ::close(std::exchange(terminal_, -1));
  }
  // The exit status.
  int wait() {
    int raw = 0;
    ended_ = eventually([&] { return ::waitpid(pid_, &raw, WNOHANG) == pid_; });
    EXPECT_TRUE(ended_ && WIFEXITED(raw)) << raw;
    return WEXITSTATUS(raw);
  }

 private:
  pid_t pid_ = -1;
  int terminal_ = -1;
  bool ended_ = false;
};

// The terminal has sent the signal to the command by itself.
TEST_F(Exec, InterruptOfATerminal_IsDeliveredOnce) {
  publish(host.add("a"), "s3cret");
  InTerminal exec(
      command({"a"}, "trap 'note int' INT; trap 'note usr1' USR1; note ready; while :; do sleep 0.05; done"));
  ASSERT_TRUE(noted({"ready"}));
  exec.press('\x03');
  EXPECT_TRUE(noted({"ready", "int"}));
  exec.signal(SIGUSR1);  // behind everything that was passed on before
  EXPECT_TRUE(noted({"ready", "int", "usr1"}));
  exec.signal(SIGTERM);
  EXPECT_EQ(exec.wait(), 128 + SIGTERM);
  EXPECT_EQ(lines(), Lines({"ready", "int", "usr1"}));
}

TEST_F(Exec, TerminalIsGone_CommandHearsOfItAndEnds) {
  publish(host.add("a"), "s3cret");
  InTerminal exec(command({"a"}, "trap 'note hup; exit 5' HUP; note ready; while :; do sleep 0.05; done"));
  ASSERT_TRUE(noted({"ready"}));
  exec.hang_up();
  EXPECT_EQ(exec.wait(), 5);
  EXPECT_EQ(lines(), Lines({"ready", "hup"}));
}

TEST_F(Exec, TerminalIsGoneDuringARestart_CommandIsNotStartedAgain) {
  agent::SegmentStore& store = host.add("a");
  publish(store, "a1");
  InTerminal exec(command({"a", "--restart-on-change", "--settle", "0s", "--grace", "1h"},
                          "trap 'note hup' HUP; trap 'note term; until [ -e " + file("go") +
                              " ]; do sleep 0.05; done; exit 9' TERM; note $JETON_TOKEN_A; "
                              "while :; do sleep 0.05; done"));
  ASSERT_TRUE(noted({"a1"}));
  publish(store, "a2");
  ASSERT_TRUE(noted({"a1", "term"}));
  exec.hang_up();
  ASSERT_TRUE(noted({"a1", "term", "hup"}));
  dir.write("go", "");
  EXPECT_EQ(exec.wait(), 9);
  EXPECT_EQ(lines(), Lines({"a1", "term", "hup"}));
}

// Such a signal is for a command, and would end this one.
TEST_F(Exec, SignalForTheCommandComesWhileItWaits_WaitGoesOn) {
  agent::SegmentStore& store = host.add("a");
  const auto exec = start({"a"}, "note $JETON_TOKEN_A");
  ASSERT_TRUE(says(*exec, "; waiting"));
  for (const int number : {SIGUSR1, SIGUSR2, SIGCONT, SIGRTMIN}) exec->signal(number);
  publish(store, "first");
  EXPECT_EQ(exec->wait(), 0) << exec->err();
  EXPECT_EQ(lines(), Lines({"first"}));
}

}  // namespace
}  // namespace jeton::test
