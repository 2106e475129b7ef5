// From just before a publication to a waiting reader being awake, beside a futex alone. The waiter is another thread:
// to the kernel a shared futex is the same for a thread and for a process.
#include <jeton/jeton.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <functional>
#include <stdexcept>
#include <thread>

#include "tests/bench/bench.hpp"
#include "tests/bench/segment_of_bench.hpp"

namespace jeton::bench {
namespace {

using Clock = std::chrono::steady_clock;

// `wait(i)` returns in the waiter's thread when wake number i was made by `wake`; `prepare` comes before and is not
// timed.
double median_latency_ns(int rounds, const std::function<void(int)>& wait, const std::function<void()>& prepare,
                         const std::function<void()>& wake) {
  std::atomic<int> about_to_wait{-1};
  std::atomic<int> awake{-1};
  std::atomic<Clock::rep> woken_at{0};
  std::thread waiter([&] {
    for (int i = 0; i < rounds; ++i) {
      about_to_wait = i;
      wait(i);
      woken_at = Clock::now().time_since_epoch().count();
      awake = i;
    }
  });
  std::vector<double> latencies;
  for (int i = 0; i < rounds; ++i) {
    prepare();
    while (about_to_wait != i) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(300));  // asleep by now; the median forgives exceptions
    const Clock::time_point start = Clock::now();
    wake();
    while (awake != i) std::this_thread::yield();
    const Clock::time_point end{Clock::duration{woken_at}};
    latencies.push_back(std::chrono::duration<double, std::nano>(end - start).count());
  }
  waiter.join();
  return median(latencies);
}

}  // namespace

std::vector<Figure> measure_wakes(int rounds) {
  std::atomic<std::uint32_t> word{0};
  const double bare = median_latency_ns(
      rounds,
      [&](int i) {
        const auto seen = static_cast<std::uint32_t>(i);
        while (word == seen) ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
      },
      [] {},
      [&] {
        ++word;
        ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
      });

  BenchSegment segment;
  const std::string directory = segment.directory();
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = directory.c_str();
  jeton_token* token = nullptr;
  if (jeton_open(&options, "api", &token) != JETON_OK) throw std::runtime_error("benchmark: open");
  // The waiter's own; it sees a generation only after it was published.
  std::uint64_t generation = segment.generation();
  const double publication = median_latency_ns(
      rounds,
      [&](int) {
        if (jeton_wait_change(token, generation, -1, &generation) != JETON_OK) throw std::runtime_error("wait");
      },
      [&] { segment.prepare(); }, [&] { segment.publish(); });
  jeton_close(token);
  return {{"bare futex, wake to awake", "bare_futex", bare},
          {"publish to waiting reader awake", "publish_to_awake", publication}};
}

}  // namespace jeton::bench
