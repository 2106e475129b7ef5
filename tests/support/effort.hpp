// How large a test makes what it shows by numbers: agents, rounds, virtual time. What a sanitizer looks for does not
// depend on the number, and it makes a test ten times as slow, so the full size is that of the plain build.
#pragma once

#include "tests/support/sanitizer.hpp"

namespace jeton::test {

template <typename T>
[[nodiscard]] constexpr T effort(T plain, T with_sanitizer) {
  return sanitized ? with_sanitizer : plain;
}

}  // namespace jeton::test
