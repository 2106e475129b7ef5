// Waiting for something to become true, without sleeping for luck: polls until it is, or gives up after a limit
// that is generous enough for a sanitizer build on a busy machine.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace jeton::test {

inline constexpr std::chrono::seconds patience{30};

[[nodiscard]] inline bool eventually(const std::function<bool()>& condition,
                                     std::chrono::milliseconds limit = patience) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace jeton::test
