// From just before a publication to a waiting process being awake, beside a futex alone in memory that both share.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <thread>
#include <vector>

#include "tests/bench/sections.hpp"
#include "tests/bench/segment_of_bench.hpp"
#include "tests/bench/shared_memory.hpp"

namespace jeton::bench {
namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC: the same in every process

struct SharedWakes {
  alignas(64) std::atomic<std::uint32_t> word{0};
  alignas(64) std::atomic<int> about_to_wait{-1};
  alignas(64) std::atomic<int> awake{-1};
  std::atomic<Clock::rep> woken_at{0};
};

// Each kind of round follows each kind equally often. On one processor a waiter preempts the writer, or waits until the
// writer blocks, by what both have run before: with kinds in turn, one kind always did the one and the other the other.
bool is_bare(int round) { return ((round ^ round >> 1) & 1) == 0; }

// In its own process: waits on the bare futex, or for a new token.
void wait_each_round(SharedWakes& shared, const std::string& directory, std::uint64_t generation, int rounds) {
  const BenchReader handles(directory);
  for (int i = 0; i < rounds; ++i) {
    const std::uint32_t seen = shared.word;
    shared.about_to_wait = i;
    if (is_bare(i)) {
      while (shared.word == seen) ::syscall(SYS_futex, &shared.word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    } else {
      require(jeton_wait_change(handles.token(), generation, -1, &generation) == JETON_OK, "wait");
    }
    shared.woken_at = Clock::now().time_since_epoch().count();
    shared.awake = i;
  }
}

}  // namespace

void bench_wake(Report& report) {
  report.section("waking a process that sleeps");
  constexpr int rounds = 10'000;
  const SharedMemory<SharedWakes> shared;
  BenchSegment segment;
  const pid_t child = ::fork();
  require(child >= 0, "fork");
  if (child == 0) {
    try {
      wait_each_round(*shared.operator->(), segment.directory(), segment.generation(), rounds);
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  std::vector<double> bare;
  std::vector<double> publication;
  for (int i = 0; i < rounds; ++i) {
    if (!is_bare(i)) segment.prepare();
    while (shared->about_to_wait != i) require(::waitpid(child, nullptr, WNOHANG) == 0, "the waiter failed");
    std::this_thread::sleep_for(std::chrono::microseconds(300));  // asleep by now; the median forgives exceptions
    const Clock::time_point start = Clock::now();
    if (is_bare(i)) {
      ++shared->word;
      ::syscall(SYS_futex, &shared->word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    } else {
      segment.publish();
    }
    while (shared->awake != i) std::this_thread::yield();
    const Clock::time_point end{Clock::duration{shared->woken_at}};
    (is_bare(i) ? bare : publication).push_back(std::chrono::duration<double, std::nano>(end - start).count());
  }
  int status = 0;
  require(::waitpid(child, &status, 0) == child && status == 0, "the waiter failed");

  const std::vector<Case> alone = {
      {"1 KiB, a publication that nobody waits for", "publish_alone", 200, [&](std::uint64_t n) {
         for (std::uint64_t i = 0; i < n; ++i) segment.publish_again();
       }}};
  report.add(alone, measure(alone, 201));
  report.add("bare_futex", "a bare futex, from wake to awake", median(std::move(bare)), "ns");
  report.add("publish_to_awake", "1 KiB, from publish to awake in jeton_wait_change", median(std::move(publication)),
             "ns");
  report.result("wake", report["publish_to_awake"] / report["bare_futex"]);
}

}  // namespace jeton::bench
