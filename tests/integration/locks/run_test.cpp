// jetonctl lock run: the command, its environment, its signals and its status.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

class LockRun : public LocalHost {
 protected:
  // A command that writes its process id and then does nothing.
  [[nodiscard]] std::vector<std::string> holding(std::vector<std::string> options = {}) const {
    std::vector<std::string> words{"run", "job"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(),
                 {"--", "sh", "-c",
                  "echo $$ > " + pid_file() + ".new; mv " + pid_file() + ".new " + pid_file() + "; exec sleep 1000"});
    return words;
  }
  [[nodiscard]] std::string pid_file() const { return (dir / "pid").string(); }
  [[nodiscard]] pid_t command_pid() const {
    pid_t pid = 0;
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(pid_file()); }));
    std::ifstream(pid_file()) >> pid;
    return pid;
  }
  [[nodiscard]] static bool alive(pid_t pid) { return ::kill(pid, 0) == 0; }

  TempDir dir;
};

TEST_F(LockRun, Free_RunsTheCommandUnderTheLockAndKeepsItsStatus) {
  const std::string script = R"(
    echo $JETON_LOCK_NAME $JETON_LOCK_OWNER $JETON_LOCK_FENCE
    "$0" --dir "$1" lock show job --format json
    exit 42)";
  const RunResult result = host.lock({"run", "job", "--", "sh", "-c", script, JETONCTL, host.agent().runtime_dir()});
  EXPECT_EQ(result.status, 42) << result.err;
  std::istringstream out(result.out);
  std::string name;
  std::string owner;
  std::uint64_t fence = 0;
  std::string shown_text;
  out >> name >> owner >> fence >> std::ws;
  std::getline(out, shown_text);
  const Json shown = Json::parse(shown_text);
  EXPECT_EQ(name, "job");
  EXPECT_EQ(shown["owner"], owner);
  EXPECT_EQ(shown["fence"], fence);
  EXPECT_TRUE(host.free("job")) << "given back before jetonctl ends";
}

TEST_F(LockRun, TextIsNotUtf8_StatusIsNotOneOfTheCommands) {
  for (const char* option : {"--metadata", "--also"}) {
    const RunResult result = host.lock({"run", "job", option, "caf\xe9", "--", "true"});
    EXPECT_EQ(result.status, 125) << option;
    EXPECT_NE(result.err.find("not UTF-8"), std::string::npos) << result.err;
  }
  EXPECT_EQ(host.lock({"acquire", "job", "--ttl", "1m", "--metadata", "caf\xe9"}).status, 1);
  EXPECT_TRUE(host.free("job"));
}

TEST_F(LockRun, CommandDidNotRun_StatusSaysWhy) {
  EXPECT_EQ(host.lock({"run", "job", "--", "sh", "-c", "kill -TERM $$"}).status, 128 + SIGTERM);
  EXPECT_EQ(host.lock({"run", "job", "--", "/nonexistent"}).status, 127);
  EXPECT_EQ(host.lock({"run", "job", "--", "/etc/passwd"}).status, 126);
  EXPECT_EQ(host.lock({"run", "job"}).status, 125);
  EXPECT_EQ(host.lock({"run", "no such name", "--", "true"}).status, 125);
  EXPECT_EQ(host.lock({"run", "unknown", "--", "true"}).status, 125);
  ASSERT_TRUE(host.acquire("job", "1h").is_object());
  const RunResult busy = host.lock({"run", "job", "--", "sh", "-c", "echo ran"});
  EXPECT_EQ(busy.status, 124);
  EXPECT_TRUE(busy.out.empty());
  EXPECT_EQ(host.lock({"run", "job", "--wait", "30ms", "--", "sh", "-c", "echo ran"}).status, 124);
  host.agent().kill();
  EXPECT_EQ(host.lock({"run", "job", "--", "true"}).status, 125);
}

TEST_F(LockRun, HeldByAnother_SaysWhoHasItAndSinceWhen) {
  const auto holder = host.start(holding());
  static_cast<void>(command_pid());
  const RunResult busy = host.lock({"run", "job", "--", "true"});
  EXPECT_EQ(busy.status, 124);
  std::array<char, 256> name{};
  ASSERT_EQ(::gethostname(name.data(), name.size() - 1), 0);
  const std::string who =
      std::string(name.data()) + " uid " + std::to_string(::geteuid()) + " pid " + std::to_string(holder->pid());
  EXPECT_NE(busy.err.find("is held by " + who + " "), std::string::npos) << busy.err;
  EXPECT_NE(busy.err.find(" since 20"), std::string::npos) << busy.err;
  const Json shown = host.show("job");
  EXPECT_EQ(shown["host"], name.data());
  EXPECT_EQ(shown["pid"], holder->pid());
}

TEST_F(LockRun, HeldByAnother_StatusIsChosenAndNothingIsSaid) {
  const Json lock = host.acquire("job", "1h");
  ASSERT_TRUE(lock.is_object());
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"-q", "-E", "75"}, {"--quiet", "--conflict-exit-code", "75", "--wait", "20ms"}}) {
    std::vector<std::string> words{"run", "job"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--", "echo", "ran"});
    const RunResult busy = host.lock(words);
    EXPECT_EQ(busy.status, 75);
    EXPECT_EQ(busy.out + busy.err, "");
  }
  EXPECT_EQ(host.lock({"run", "job", "-E", "0", "--", "true"}).status, 0) << "as flock has it";
  EXPECT_NE(host.lock({"run", "job", "-E", "75", "--", "true"}).err, "");
  EXPECT_EQ(host.lock({"run", "job", "-E", "256", "--", "true"}).status, 125);
  const RunResult refused = host.lock({"run", "unknown", "-q", "-E", "75", "--", "true"});
  EXPECT_EQ(refused.status, 125) << "that is no conflict";
  EXPECT_NE(refused.err, "");
  EXPECT_EQ(host.release("job", lock), 0);
  EXPECT_EQ(host.lock({"run", "job", "-q", "-E", "75", "--", "sh", "-c", "exit 3"}).status, 3);
}

TEST_F(LockRun, Signal_IsPassedOnAndTheLockGivenBack) {
  const auto job = host.start(holding());
  const pid_t command = command_pid();
  job->signal(SIGTERM);
  EXPECT_EQ(job->wait(), 128 + SIGTERM);
  EXPECT_FALSE(alive(command));
  EXPECT_TRUE(host.free("job"));
}

TEST_F(LockRun, InterruptedWhileItWaits_LeavesNoLock) {
  const Json first = host.acquire("job", "1h");
  for (const int number : {SIGINT, SIGTERM}) {
    const auto waiter = host.start(holding({"--wait", "1h"}));
    ASSERT_TRUE(eventually([&] {
      return run({"grep", "-q", "SigBlk:.*[1-9a-f]", "/proc/" + std::to_string(waiter->pid()) + "/status"}).status == 0;
    }));
    waiter->signal(number);
    EXPECT_EQ(waiter->wait(), 128 + number);
  }
  ASSERT_EQ(host.release("job", first), 0);
  EXPECT_TRUE(host.free("job"));
  EXPECT_FALSE(std::filesystem::exists(pid_file())) << "the command ran";
}

TEST_F(LockRun, Killed_LockIsGivenBackAndTheCommandEnds) {
  const auto job = host.start(holding({"--ttl", "1h"}));
  const pid_t command = command_pid();
  job->signal(SIGKILL);
  EXPECT_EQ(job->wait(), 128 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return host.free("job"); })) << "long before its TTL";
  EXPECT_TRUE(eventually([&] { return !alive(command); }));
}

TEST_F(LockRun, OneOfSeveralIsHeldByAnother_MessageNamesThatOne) {
  static_cast<void>(host.acquire("job2", "1h"));
  for (const char* wait : {"0s", "100ms"}) {
    const RunResult busy = host.lock({"run", "job1", "--also", "job2", "--wait", wait, "--", "true"});
    EXPECT_EQ(busy.status, 124);
    EXPECT_NE(busy.err.find("lock 'job2' is held"), std::string::npos) << busy.err;
  }
}

TEST_F(LockRun, SeveralLocks_AllOrNoneAreTaken) {
  const Json other = host.acquire("job2", "1h");
  EXPECT_EQ(host.lock({"run", "job1", "--also", "job2", "--", "true"}).status, 124);
  EXPECT_EQ(host.lock({"run", "job1", "--also", "job3", "--also", "job4", "--", "true"}).status, 0);
  EXPECT_TRUE(host.free("job1")) << "what was taken is given back";
  ASSERT_EQ(host.release("job2", other), 0);
  const RunResult both =
      host.lock({"run", "job2", "--also", "job1", "--", "sh", "-c",
                 "echo $JETON_LOCK_NAME $JETON_LOCK_OWNER; \"$0\" --dir \"$1\" lock show job2 --format json", JETONCTL,
                 host.agent().runtime_dir()});
  EXPECT_EQ(both.status, 0) << both.err;
  const std::string shown = both.out.substr(both.out.find('\n') + 1);
  EXPECT_EQ(both.out.substr(0, both.out.find('\n')), "job2 " + Json::parse(shown)["owner"].get<std::string>())
      << "the lock that was asked for, whatever its place in the order";
}

}  // namespace
}  // namespace jeton::test
