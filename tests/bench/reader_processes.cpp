#include "tests/bench/reader_processes.hpp"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "tests/bench/shared_memory.hpp"

namespace jeton::bench {
namespace {

constexpr int max_processes = 16;
constexpr int calls_between_looks = 64;

struct SharedResults {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::atomic<bool> end{false};
  struct alignas(64) Result {
    std::uint64_t calls = 0;
    std::uint64_t failed = 0;
    std::int64_t cpu_ns = 0;
    std::int64_t wall_ns = 0;
  } results[max_processes];
};

std::int64_t now_ns(clockid_t clock) {
  timespec now = {};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void read_until_told(SharedResults& shared, SharedResults::Result& result, const MakeReader& make) {
  const ReadMany read = make();
  static_cast<void>(read(calls_between_looks));  // warm
  ++shared.ready;
  while (!shared.go) std::this_thread::yield();
  SharedResults::Result mine;
  const std::int64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  const std::int64_t wall = now_ns(CLOCK_MONOTONIC);
  while (!shared.end.load(std::memory_order_relaxed)) {
    mine.failed += static_cast<std::uint64_t>(read(calls_between_looks));
    mine.calls += calls_between_looks;
  }
  mine.wall_ns = now_ns(CLOCK_MONOTONIC) - wall;
  mine.cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  result = mine;
}

}  // namespace

Reading read_in_processes(int processes, const MakeReader& make,
                          const std::function<void(std::chrono::steady_clock::time_point)>& meanwhile,
                          std::chrono::milliseconds time) {
  require(processes <= max_processes, "too many processes");
  const SharedMemory<SharedResults> shared;
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    const pid_t child = ::fork();
    require(child >= 0, "fork");
    if (child == 0) {
      try {
        read_until_told(*shared.operator->(), shared->results[i], make);
      } catch (const std::exception&) {
        ++shared->ready;
        ::_exit(1);
      }
      ::_exit(0);  // what the parent made is the parent's to remove
    }
    children.push_back(child);
  }
  while (shared->ready < processes) std::this_thread::yield();
  shared->go = true;
  meanwhile(std::chrono::steady_clock::now() + time);
  shared->end = true;

  Reading reading;
  bool good = true;
  for (const pid_t child : children) {
    int status = 0;
    good = ::waitpid(child, &status, 0) == child && status == 0 && good;
  }
  require(good, "a reading process failed");
  for (int i = 0; i < processes; ++i) {
    const SharedResults::Result& r = shared->results[i];
    const auto calls = static_cast<double>(r.calls);
    reading.calls_per_s += calls * 1e9 / static_cast<double>(r.wall_ns);
    reading.cpu_ns += static_cast<double>(r.cpu_ns) / calls / processes;
    reading.failed += r.failed;
  }
  return reading;
}

}  // namespace jeton::bench
