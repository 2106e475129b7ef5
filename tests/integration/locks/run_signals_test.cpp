// jetonctl lock run below a parent that ignores or blocks signals (nohup, a job in the background, a careless program),
// that limits core dumps or closes descriptors; and in the foreground of a terminal.
#include <signal.h>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

class LockRunSignals : public LocalHost {
 protected:
  // The words of env(1), which ignores or blocks what it is told to and becomes jetonctl.
  [[nodiscard]] std::vector<std::string> below(std::vector<std::string> env, std::vector<std::string> arguments) const {
    env.insert(env.begin(), "env");
    const std::vector<std::string> command = host.command(std::move(arguments));
    env.insert(env.end(), command.begin(), command.end());
    return env;
  }
  // It blocks signals while it waits for the lock.
  [[nodiscard]] static bool waits(const Process& process) {
    return eventually([&] {
      const std::string proc = "/proc/" + std::to_string(process.pid());
      return run({"grep", "-q", "SigBlk:.*[1-9a-f]", proc + "/status"}).status == 0 &&
             read_file(proc + "/comm") == "jetonctl\n";
    });
  }
};

TEST_F(LockRunSignals, EndOfChildrenIsIgnored_EndsWithTheCommandAndItsStatus) {
  const RunResult result =
      run(below({"--ignore-signal=CHLD"}, {"run", "job", "--ttl", "60s", "--", "sh", "-c", "exit 42"}));
  EXPECT_EQ(result.status, 42) << result.err;
  EXPECT_TRUE(host.free("job"));
}

TEST_F(LockRunSignals, EndOfChildrenIsIgnored_CommandIsEndedWithTheLock) {
  const TempDir dir;
  const std::string ready = (dir / "ready").string();
  Process job(
      below({"--ignore-signal=CHLD"}, {"run", "job", "--", "sh", "-c", "touch " + ready + "; exec sleep 1000"}));
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(ready); })) << job.err();
  job.signal(SIGTERM);
  EXPECT_EQ(job.wait(), 128 + SIGTERM) << job.err();
  EXPECT_TRUE(host.free("job"));
}

TEST_F(LockRunSignals, HangupIsIgnored_WaiterWaitsOn) {
  const Json first = host.acquire("job", "1h");
  for (const int ignored : {SIGHUP, SIGINT, SIGQUIT}) {
    Process waiter(below({"--ignore-signal=" + std::to_string(ignored)}, {"run", "job", "--wait", "1h", "--", "true"}));
    ASSERT_TRUE(waits(waiter)) << waiter.err();
    waiter.signal(ignored);
    waiter.signal(SIGTERM);  // of a higher number, so it is not read before the other
    EXPECT_EQ(waiter.wait(), 128 + SIGTERM) << ignored;
  }
  EXPECT_EQ(host.release("job", first), 0);
}

TEST_F(LockRunSignals, TerminationIsBlocked_WaiterEndsByItEvenSo) {
  const Json first = host.acquire("job", "1h");
  Process waiter(below({"--block-signal=TERM"}, {"run", "job", "--wait", "1h", "--", "true"}));
  ASSERT_TRUE(waits(waiter)) << waiter.err();
  waiter.signal(SIGTERM);
  EXPECT_EQ(waiter.wait(), 128 + SIGTERM) << waiter.err();
  EXPECT_EQ(host.release("job", first), 0);
}

TEST_F(LockRunSignals, CommandIsStarted_HasWhatJetonctlWasGiven) {
  const std::vector<std::string> shown{"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"};
  const std::vector<std::vector<std::string>> parents{
      {}, {"--ignore-signal=HUP,INT,PIPE,CHLD,TSTP"}, {"--ignore-signal=USR1", "--block-signal=USR2,TERM,CHLD"}};
  for (const std::vector<std::string>& parent : parents) {
    std::vector<std::string> alone = parent;
    alone.insert(alone.begin(), "env");
    alone.insert(alone.end(), shown.begin(), shown.end());
    std::vector<std::string> arguments{"run", "job", "--"};
    arguments.insert(arguments.end(), shown.begin(), shown.end());
    const RunResult under = run(below(parent, arguments));
    EXPECT_EQ(under.status, 0) << under.err;
    EXPECT_EQ(under.out, run(alone).out);
  }
}

TEST_F(LockRunSignals, CommandIsStarted_HasTheLimitOfCoreDumpsThatJetonctlWasGiven) {
  const std::string script = "ulimit -S -c; ulimit -H -c; grep -h '^Max core' /proc/$PPID/limits";
  std::vector<std::string> words{"sh", "-c", "ulimit -S -c 5; exec \"$0\" \"$@\""};
  for (std::string& word : host.command({"run", "job", "--", "sh", "-c", script})) words.push_back(std::move(word));
  // A sanitizer would set the limit of jetonctl to 0 before its main().
  const std::string as_it_is = "disable_coredump=0";
  const RunResult result =
      run(words, {.env = {{"ASAN_OPTIONS", as_it_is}, {"TSAN_OPTIONS", as_it_is}}, .core_dumps = true});
  EXPECT_EQ(result.out.substr(0, 12), "5\nunlimited\n") << result.err;
  EXPECT_NE(result.out.find("Max core file size        0 "), std::string::npos)
      << "jetonctl itself writes none: " << result.out;
}

// What it says would go to the agent, or to a descriptor of its own.
TEST_F(LockRunSignals, OutputsAreClosed_NothingElseTakesTheirPlaceAndTheCommandFindsThemClosed) {
  const TempDir dir;
  const std::string seen = (dir / "seen").string();
  const std::string script =
      "{ readlink /proc/$PPID/fd/0 /proc/$PPID/fd/1 /proc/$PPID/fd/2; "
      "for i in 0 2; do [ -e /proc/self/fd/$i ] || echo closed; done; } > " +
      seen;
  std::vector<std::string> words{"sh", "-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"};
  for (std::string& word : host.command({"run", "job", "--", "sh", "-c", script})) words.push_back(std::move(word));
  EXPECT_EQ(run(words).status, 0);
  EXPECT_EQ(read_file(seen), "/dev/null\n/dev/null\n/dev/null\nclosed\nclosed\n");
}

// It asks for a password, say, which comes from /dev/tty and not from stdin. From a group of its own it would be
// stopped.
TEST_F(LockRunSignals, TerminalIsNotStdin_CommandMayReadFromItEvenSo) {
  std::string line;
  for (const std::string& word : host.command({"run", "job", "--ttl", "60s", "--"})) line += "'" + word + "' ";
  line += "sh -c 'read answer </dev/tty; echo \"read: $answer\"' </dev/null";
  const RunResult result = run({"script", "--quiet", "--return", "--command", line, "/dev/null"}, {.input = "yes\n"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("read: yes"), std::string::npos) << result.out;
}

// A shell with job control. It would show a job that runs, and `fg` would not help.
TEST_F(LockRunSignals, CommandInTheBackgroundReadsFromTheTerminal_IsStoppedAndJetonctlSaysWhy) {
  const TempDir dir;
  const std::string said = (dir / "said").string();
  std::string line = "set -m; mkfifo " + said + "; ";
  for (const std::string& word : host.command({"run", "job", "--ttl", "60s", "--"})) line += "\"" + word + "\" ";
  line += "sh -c \"read answer </dev/tty\" </dev/null 2>" + said + " & ";
  line += "grep -m 1 SIGTTIN <" + said + "; kill %1; wait %1; echo status $?";
  const RunResult result = run({"script", "--quiet", "--command", "bash -c '" + line + "'", "/dev/null"});
  EXPECT_NE(result.out.find("the command is stopped (SIGTTIN)"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("status " + std::to_string(128 + SIGTERM)), std::string::npos) << result.out;
}

// With the terminal as its stdin the command is in jetonctl's group, which the shell moves.
TEST_F(LockRunSignals, JobInTheBackgroundReadsFromItsTerminal_IsStoppedAsAWholeAndGoesOnInTheForeground) {
  std::string line = "set -m; ";
  for (const std::string& word : host.command({"run", "job", "--ttl", "60s", "--"})) line += "\"" + word + "\" ";
  line += "sh -c \"read answer; echo \\\"read: \\$answer\\\"\" & wait %1; jobs; fg %1";
  const RunResult result =
      run({"script", "--quiet", "--return", "--command", "bash -c '" + line + "'", "/dev/null"}, {.input = "yes\n"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("Stopped"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("read: yes"), std::string::npos) << result.out;
}

TEST_F(LockRunSignals, CommandIsStopped_EndsByTheSignalThatIsPassedOn) {
  const TempDir dir;
  const std::string ready = (dir / "ready").string();
  const auto job = host.start({"run", "job", "--", "sh", "-c", "echo $$ > " + ready + "; kill -STOP $$"});
  ASSERT_TRUE(eventually([&] {
    std::string pid = std::filesystem::exists(ready) ? read_file(ready) : "";
    if (pid.empty()) return false;
    pid.pop_back();
    return run({"grep", "-q", "^State:.*stopped", "/proc/" + pid + "/status"}).status == 0;
  })) << job->err();
  job->signal(SIGTERM);
  EXPECT_EQ(job->wait(), 128 + SIGTERM) << job->err();
  EXPECT_TRUE(host.free("job"));
}

}  // namespace
}  // namespace jeton::test
