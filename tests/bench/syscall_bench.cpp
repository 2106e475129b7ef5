// System calls of the read path: a child that may make none reads, and lives. Also while tokens change.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "tests/bench/sections.hpp"
#include "tests/bench/segment_of_bench.hpp"
#include "tests/bench/shared_memory.hpp"
#include "tests/support/no_system_calls.hpp"

namespace jeton::bench {
namespace {

struct SharedFlags {
  std::atomic<bool> reading{false};
  std::atomic<bool> published{false};
};

constexpr int no_seccomp = 100;

// 0: every call gave a token.
int read_without_system_calls(const BenchReader& handles, SharedFlags& shared) {
  if (!test::forbid_system_calls()) return no_seccomp;
  std::array<char, 2 * token_size> value;
  std::size_t size = 0;
  const jeton_view* view = nullptr;
  int good = 0;
  int calls = 0;
  for (int left = 10'000; left > 0; left -= shared.published ? 1 : 0) {
    good += jeton_read(handles.token(), value.data(), value.size(), &size, nullptr) == JETON_OK;
    good += jeton_current(handles.reader(), &view) == JETON_OK;
    calls += 2;
    shared.reading = true;
  }
  return good == calls ? 0 : 1;
}

}  // namespace

void bench_syscalls(Report& report) {
  report.section("system calls of the read path");
  BenchSegment segment;
  const SharedMemory<SharedFlags> shared;
  const BenchReader handles(segment.directory());
  const pid_t child = ::fork();
  require(child >= 0, "fork");
  if (child == 0) {
    const int status = read_without_system_calls(handles, *shared.operator->());
    shared->reading = true;
    ::syscall(SYS_exit_group, status);
  }
  int status = 0;
  pid_t ended = 0;
  while (!shared->reading && ended == 0) ended = ::waitpid(child, &status, WNOHANG);
  for (int i = 0; i < 100; ++i) segment.publish_again();
  shared->published = true;
  if (ended == 0) require(::waitpid(child, &status, 0) == child, "waitpid");
  if (WIFEXITED(status) && WEXITSTATUS(status) == no_seccomp) {
    std::printf("  not measured: this kernel has no seccomp filters\n");
    return;
  }
  require(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "a read failed");
  report.add("system_calls", "system calls in 20,000 reads (1: killed for it)", WIFSIGNALED(status) ? 1 : 0, "");
  report.result("system_calls", report["system_calls"]);
}

}  // namespace jeton::bench
