// VirtualLoop: a TestLoop in virtual time, in which waiting costs nothing and everything happens in the same order
// every time. Random numbers come from one seed: that of JETON_TEST_SEED, else 1; it is printed when a test has failed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/support/seeded_random.hpp"
#include "tests/support/test_loop.hpp"
#include "tests/support/virtual_timers.hpp"

namespace jeton::test {

[[nodiscard]] inline std::uint64_t seed_of_the_test() {
  const char* given = std::getenv("JETON_TEST_SEED");
  return given == nullptr ? 1 : std::stoull(given);
}

// A base class, so that it is constructed before TestLoop and destroyed after it.
struct VirtualTime {
  explicit VirtualTime(std::uint64_t given) : seed(given) {}
  VirtualTimers virtual_timers;
  std::uint64_t seed;
  SeededRandom seeded_random{seed};
};

class VirtualLoop final : private VirtualTime, public TestLoop {
 public:
  explicit VirtualLoop(std::uint64_t given_seed = seed_of_the_test())
      : VirtualTime(given_seed),
        TestLoop(virtual_timers.loop(), std::as_const(virtual_timers).clock(), virtual_timers, seeded_random) {}
  ~VirtualLoop() override {
    drain();
    if (testing::Test::HasFailure()) std::cerr << "JETON_TEST_SEED=" << seed << "\n";
  }

  bool turn_until(const std::function<bool()>& condition, agent::Duration limit = patience) override {
    return virtual_timers.run_until(clock.boot_now() + limit, condition);
  }

  // To let the wall clock of the agent step.
  [[nodiscard]] VirtualClock& virtual_clock() { return virtual_timers.virtual_clock(); }
};

}  // namespace jeton::test
