// Waiting for something to become true, without sleeping for luck: polls until it is, or gives up after a limit
// that is generous enough for a sanitizer build on a busy machine.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

namespace jeton::test {

inline constexpr std::chrono::seconds patience{60};

// The pause before the next check, after a wait of `waited`. A check costs an agent a request, and many tests wait at
// the same time: the checks become rarer, and find the change at most a sixteenth of the wait too late.
[[nodiscard]] constexpr std::chrono::nanoseconds pause_of_looks(std::chrono::nanoseconds waited) {
  using std::chrono::milliseconds;
  return std::clamp<std::chrono::nanoseconds>(waited / 16, milliseconds(5), milliseconds(50));
}

[[nodiscard]] inline bool eventually(const std::function<bool()>& condition,
                                     std::chrono::milliseconds limit = patience) {
  const auto begin = std::chrono::steady_clock::now();
  while (!condition()) {
    const auto waited = std::chrono::steady_clock::now() - begin;
    if (waited >= limit) return condition();
    std::this_thread::sleep_for(pause_of_looks(waited));
  }
  return true;
}

}  // namespace jeton::test
