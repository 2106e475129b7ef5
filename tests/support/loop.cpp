#include "tests/support/loop.hpp"

#include <algorithm>
#include <chrono>

namespace jeton::test {

Loop::Loop() : TestLoop(real_context, real_clock, real_timers, real_random) {}
Loop::~Loop() { drain(); }

bool Loop::turn_until(const std::function<bool()>& condition, agent::Duration limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    context.restart();
    context.run_one_for(std::min<agent::Duration>(left, std::chrono::milliseconds(20)));
  }
  return true;
}

}  // namespace jeton::test
