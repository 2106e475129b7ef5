// Real commands and signals.
#include "agent/outputs/hook_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "agent/base/error.hpp"
#include "agent/outputs/blocking_calls.hpp"
#include "agent/process/write_protection.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HostHooksTest : public testing::Test {
 protected:
  // "done", or why not.
  std::string run(const HookConfig& hook) {
    try {
      loop.run(hooks.run(hook, [] { return std::vector<SecretString>{SecretString("s3cret-token")}; }));
      return "done";
    } catch (const Error& e) {
      return e.what();
    }
  }
  // Runs `text` by /bin/sh, with the folder of the test as $1.
  std::string script(const std::string& text, Milliseconds timeout = 60s) {
    HookConfig hook;
    hook.action = CommandHook{{"/bin/sh", dir.write("script", text).string(), (dir / "work").string()}};
    hook.timeout = timeout;
    return run(hook);
  }
  std::string hang_up(const fs::path& pid_file) {
    HookConfig hook;
    hook.action = SignalHook{pid_file, SIGHUP, "HUP"};
    return run(hook);
  }
  void SetUp() override {
    fs::create_directory(dir / "work");
    fs::create_directory(dir / "state");
  }

  test::TempDir dir;
  test::Loop loop;
  ThreadedCalls calls{loop.timers};
  HostHooks hooks{loop.timers, calls, {dir / "state"}};
};

TEST_F(HostHooksTest, CommandEndsWell_HasACleanEnvironment) {
  ::setenv("JETON_TEST_OF_THE_AGENT", "x", 1);
  EXPECT_EQ(script("env | sed 's/=.*//' | grep -v '^PWD$\\|^_$\\|^SHLVL$\\|^OLDPWD$' | sort > $1/names\n"), "done");
  EXPECT_EQ(test::read_file(dir / "work" / "names"), "HOME\nLANG\nPATH\n");
}

TEST_F(HostHooksTest, CommandFails_ErrorHasItsStatusAndItsLastLineWithoutSecrets) {
  const std::string error = script("echo first >&2; echo 'bad value s3cret-token in line 1' >&2; exit 7\n");
  EXPECT_EQ(error, "/bin/sh ended with status 7 (its last output: \"bad value *** in line 1\")");
}

// The log of a failure has few lines of a command; the last one says why it failed.
TEST_F(HostHooksTest, CommandFailsAfterManyLines_ErrorHasTheLastOne) {
  const std::string error = script("i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo line $i >&2; done; exit 7\n");
  EXPECT_EQ(error, "/bin/sh ended with status 7 (its last output: \"line 100\")");
}

TEST_F(HostHooksTest, TokenIsRenewedDuringTheRun_ErrorHasNeitherTheOldNorTheNew) {
  HookConfig hook;
  hook.action = CommandHook{{"/bin/sh", "-c", "echo 'tried old-token, then new-token' >&2; exit 1"}};
  hook.timeout = 60s;
  int asked = 0;
  const SecretsOfHook secrets = [&asked] {
    return std::vector<SecretString>{SecretString(asked++ == 0 ? "old-token" : "new-token")};
  };
  std::string error;
  try {
    loop.run(hooks.run(hook, secrets));
  } catch (const Error& e) {
    error = e.what();
  }
  EXPECT_THAT(error, HasSubstr("\"tried ***, then ***\""));
}

TEST_F(HostHooksTest, SecretsAreNotKnownAnyMore_ErrorHasNoOutput) {
  HookConfig hook;
  hook.action = CommandHook{{"/bin/sh", dir.write("script", "echo tried s3cret-token >&2; exit 3\n").string()}};
  std::string error;
  try {
    loop.run(hooks.run(hook, {}));
  } catch (const Error& e) {
    error = e.what();
  }
  EXPECT_EQ(error, "/bin/sh ended with status 3");
}

TEST_F(HostHooksTest, CommandDoesNotEnd_IsKilledWithItsChildren) {
  const std::string error =
      script("trap '' TERM\nsleep 1000 & echo $! > $1/pids; echo $$ >> $1/pids\nwhile :; do sleep 1000; done\n", 200ms);
  EXPECT_EQ(error, "/bin/sh did not end within on_change.timeout (200ms) and was killed");
  EXPECT_TRUE(test::eventually([&] { return test::all_gone(test::noted_pids(dir / "work" / "pids")); }));
}

// A daemon in the background has the pipes of the command, and its own session.
TEST_F(HostHooksTest, CommandLeavesAProcessBehind_RunEndsAndTheProcessToo) {
  EXPECT_EQ(script("setsid sleep 1000 & echo $! > $1/pids\n"), "done");
  EXPECT_EQ(test::noted_pids(dir / "work" / "pids").size(), 1U);
  EXPECT_TRUE(test::eventually([&] { return test::all_gone(test::noted_pids(dir / "work" / "pids")); }));
}

TEST_F(HostHooksTest, CommandIsMissing_ErrorSaysSo) {
  HookConfig hook;
  hook.action = CommandHook{{"/no/such/program"}};
  EXPECT_THAT(run(hook), HasSubstr("/no/such/program cannot be executed: No such file or directory"));
}

// As after an upgrade of the program that it belongs to.
TEST_F(HostHooksTest, CommandIsMissingForAWhile_RunsWhenItIsBack) {
  HookConfig hook;
  hook.timeout = 60s;
  const fs::path program = dir.write("program", "#!/bin/sh\n:\n");
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  hook.action = CommandHook{{program.string()}};
  EXPECT_EQ(run(hook), "done");
  fs::rename(program, dir / "away");
  EXPECT_THAT(run(hook), HasSubstr("cannot be executed: No such file or directory"));
  fs::rename(dir / "away", program);
  EXPECT_EQ(run(hook), "done");
}

// A program in the place of systemctl.
TEST_F(HostHooksTest, ReloadFails_ErrorSaysWhatToDoAboutIt) {
  const auto reload_by = [&](const std::string& text, Milliseconds timeout) {
    const fs::path program = dir / "systemctl";
    if (!text.empty()) dir.write("systemctl", "#!/bin/sh\n" + text);
    if (!text.empty() && ::chmod(program.c_str(), 0755) != 0) return std::string("chmod failed");
    HostHooks systemd(loop.timers, calls, {}, program.string());
    HookConfig hook;
    hook.action = ReloadHook{"nginx.service"};
    hook.timeout = timeout;
    try {
      loop.run(systemd.run(hook, [] { return std::vector<SecretString>(); }));
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("done");
  };
  EXPECT_THAT(reload_by("", 60s), AllOf(HasSubstr("needs systemd"), Not(HasSubstr("polkit"))));
  EXPECT_EQ(reload_by("[ \"$*\" = '--no-ask-password reload -- nginx.service' ]\n", 60s), "done");
  EXPECT_THAT(reload_by("echo 'Access denied' >&2; exit 4\n", 60s),
              AllOf(HasSubstr("Access denied"), HasSubstr("polkit")));
  EXPECT_THAT(reload_by("exec sleep 1000\n", 200ms),
              AllOf(HasSubstr("did not end within on_change.timeout"), HasSubstr("systemctl status nginx.service"),
                    Not(HasSubstr("polkit"))));
}

TEST_F(HostHooksTest, CommandWritesStateOfTheAgent_IsRefused) {
  if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock, or a sandbox refuses it";
  EXPECT_EQ(script("( : > $1/../state/by-hook ) 2>/dev/null && exit 1\n: > $1/by-hook\n"), "done");
  EXPECT_TRUE(fs::exists(dir / "work" / "by-hook"));
}

// Makes no call, and notes their names.
struct NotedCalls final : BlockingCalls {
  Task<> run(std::string what, std::function<void()> /*work*/) override {
    names.insert(std::move(what));
    co_return;
  }
  std::set<std::string> names;
};

TEST_F(HostHooksTest, TwoSignalsGoToOneProcess_NeitherHoldsUpTheOther) {
  NotedCalls noted;
  HostHooks signals(loop.timers, noted, {});
  for (const SignalHook& signal :
       {SignalHook{"/run/x.pid", SIGHUP, "HUP"}, SignalHook{"/run/x.pid", SIGUSR1, "USR1"}}) {
    HookConfig hook;
    hook.action = signal;
    loop.run(signals.run(hook, {}));
  }
  EXPECT_EQ(noted.names.size(), 2U) << "two calls of one name are not made at the same time";
}

// A process that notes each SIGHUP.
class Signalled : public HostHooksTest {
 protected:
  void SetUp() override {
    HostHooksTest::SetUp();
    const auto text = "trap 'echo hup >> " + (dir / "work" / "heard").string() + "' HUP\n: > " +
                      (dir / "work" / "ready").string() + "\nwhile :; do sleep 0.05; done\n";
    process.emplace(std::vector<std::string>{"/bin/sh", dir.write("daemon", text).string()});
    ASSERT_TRUE(test::eventually([&] { return fs::exists(dir / "work" / "ready"); }));
    dir.write("work/pid", std::to_string(process->pid()) + "\n");
  }
  [[nodiscard]] fs::path pid_file() const { return dir / "work" / "pid"; }
  // The shell makes the file, and then writes.
  [[nodiscard]] bool heard() const {
    const fs::path file = dir / "work" / "heard";
    return fs::exists(file) && !test::read_file(file).empty();
  }

  std::optional<test::Process> process;
};

TEST_F(Signalled, PidFileIsTheAgents_ProcessGetsTheSignal) {
  EXPECT_EQ(hang_up(pid_file()), "done");
  EXPECT_TRUE(test::eventually([&] { return heard(); }));
}

TEST_F(Signalled, AnotherUserCouldChooseTheProcess_NothingIsSent) {
  ASSERT_EQ(::chmod(pid_file().c_str(), 0666), 0);
  EXPECT_THAT(hang_up(pid_file()), HasSubstr("can be written by another user, who could choose the process"));
  ASSERT_EQ(::chmod(pid_file().c_str(), 0644), 0);
  ASSERT_EQ(::chmod((dir / "work").c_str(), 0777), 0);
  EXPECT_THAT(hang_up(pid_file()), HasSubstr("can be written by other users"));
  ASSERT_EQ(::chmod((dir / "work").c_str(), 0755), 0);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(pid_file().c_str(), 12345, 12345), 0);
    EXPECT_THAT(hang_up(pid_file()), HasSubstr("can be written by another user"));
    ASSERT_EQ(::chown(pid_file().c_str(), 0, 0), 0);
  }
  fs::create_symlink(pid_file(), dir / "work" / "link");
  EXPECT_THAT(hang_up(dir / "work" / "link"), HasSubstr("is a symbolic link, and none is followed"));
  EXPECT_EQ(hang_up(pid_file()), "done");
  EXPECT_TRUE(test::eventually([&] { return heard(); }));
  EXPECT_EQ(test::read_file(dir / "work" / "heard"), "hup\n") << "only the last one was sent";
}

TEST_F(Signalled, PidFileNamesNoProcess_ErrorSaysSo) {
  for (const char* text : {"", "x\n", "0\n", "-1\n", "4194305\n"}) {
    dir.write("work/pid", text);
    EXPECT_THAT(hang_up(pid_file()), HasSubstr("holds no number of a process")) << text;
  }
  const pid_t gone = process->pid();
  process->kill();
  dir.write("work/pid", std::to_string(gone));
  EXPECT_THAT(hang_up(pid_file()), HasSubstr("No such process; is the program running?"));
  fs::remove(pid_file());
  EXPECT_THAT(hang_up(pid_file()), HasSubstr("pid: No such file or directory; is the program running?"));
  fs::remove_all(dir / "work");
  EXPECT_THAT(hang_up(pid_file()), HasSubstr("work: No such file or directory; is the program running?"));
}

TEST(HookDescription, OfEachKind_NamesWhatIsDoneWithoutArguments) {
  HookConfig hook;
  hook.action = CommandHook{{"/bin/after", "--quiet"}};
  EXPECT_EQ(description_of(hook), "run /bin/after");
  hook.action = ReloadHook{"nginx.service"};
  EXPECT_EQ(description_of(hook), "reload nginx.service");
  hook.action = SignalHook{"/run/nginx.pid", SIGHUP, "HUP"};
  EXPECT_EQ(description_of(hook), "signal HUP to /run/nginx.pid");
}

}  // namespace
}  // namespace jeton::agent
