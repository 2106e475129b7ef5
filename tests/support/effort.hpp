// The size of tests that show something by numbers: agents, rounds, virtual time. A sanitizer finds its errors with
// small numbers too, and it makes a test ten times as slow, so only the plain build uses the full size.
#pragma once

#include "tests/support/sanitizer.hpp"

namespace jeton::test {

template <typename T>
[[nodiscard]] constexpr T effort(T plain, T with_sanitizer) {
  return sanitized ? with_sanitizer : plain;
}

}  // namespace jeton::test
