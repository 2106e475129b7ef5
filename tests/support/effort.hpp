// How large a test makes what it shows by numbers: agents, rounds, virtual time. What a sanitizer looks for does not
// depend on the number, and it makes a test ten times as slow, so the full size is that of the plain build.
#pragma once

namespace jeton::test {

template <typename T>
[[nodiscard]] constexpr T effort([[maybe_unused]] T plain, [[maybe_unused]] T sanitized) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  return sanitized;
#else
  return plain;
#endif
}

}  // namespace jeton::test
