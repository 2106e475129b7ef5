// The promise "no system call on the read path", kept by the kernel: a child forbids itself all but write and exit.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jeton/client.hpp>

#include "tests/support/no_system_calls.hpp"
#include "tests/support/process.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

class SystemCalls : public ClientTest {};

TEST_F(SystemCalls, TokenIsRead_NoneIsMade) {
  make_store();
  publish(1, "one");
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  const pid_t child = ::fork();
  if (child == 0) {
    if (!forbid_system_calls()) ::syscall(SYS_exit_group, 100);
    char buffer[64];
    std::size_t size = 0;
    jeton_info info = JETON_INFO_INIT;
    const jeton_view* view = nullptr;
    int good = 0;
    for (int i = 0; i < 1000; ++i) {
      good += jeton_current(reader.get(), &view) == JETON_OK;
      good += jeton_read(token.get(), buffer, sizeof(buffer), &size, &info) == JETON_OK;
      good += jeton_inspect(token.get(), &info) == JETON_OK;
    }
    ::syscall(SYS_exit_group, good == 3000 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 100) GTEST_SKIP() << "this kernel has no seccomp filters";
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status) << ": it made a system call";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SystemCalls, TokenIsNew_NoneIsMade) {
  make_store();
  publish(1, "one");
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  EXPECT_EQ(current(reader), "one");
  publish(2, "two");
  const pid_t child = ::fork();
  if (child == 0) {
    const jeton_view* view = nullptr;
    if (!forbid_system_calls()) ::syscall(SYS_exit_group, 100);
    const bool good = jeton_current(reader.get(), &view) == JETON_OK && view->generation == 2;
    ::syscall(SYS_exit_group, good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 100) GTEST_SKIP() << "this kernel has no seccomp filters";
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status) << ": it made a system call";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

#ifdef JETON_STATIC_READER
// A C library that is linked statically has to find the vDSO by itself; not every one did for every clock.
TEST_F(SystemCalls, TokenIsReadInAStaticProgram_NoneIsMade) {
  make_store();
  publish(1, "one");
  const RunResult result = run({JETON_STATIC_READER, directory()});
  if (result.status == 77) GTEST_SKIP() << "this kernel has no seccomp filters";
  EXPECT_EQ(result.status, 0) << "128 + SIGSYS (" << SIGSYS << "): it made a system call";
}
#endif

}  // namespace
}  // namespace jeton::test
