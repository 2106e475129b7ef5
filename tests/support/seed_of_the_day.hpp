// The seed of tests with drawn input. Each day has another one, so that the tests of many days see more than those of
// one; all runs of a day have the same, so that a failure is no matter of luck and is seen again.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace jeton::test {

[[nodiscard]] inline std::uint64_t day_number() {
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  return static_cast<std::uint64_t>(day.time_since_epoch().count());
}

// `variable` of the environment gives another one.
[[nodiscard]] inline std::uint64_t seed_of_the_day(const char* variable = "JETON_TEST_SEED") {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : day_number() * 1000;
}

}  // namespace jeton::test
