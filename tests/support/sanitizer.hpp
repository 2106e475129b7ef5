// The sanitizer that the tests are compiled with. GCC says it by macros, clang by features.
#pragma once

#if defined(__has_feature)
#define JETON_HAS_FEATURE(name) __has_feature(name)
#else
#define JETON_HAS_FEATURE(name) 0
#endif

namespace jeton::test {

#if defined(__SANITIZE_ADDRESS__) || JETON_HAS_FEATURE(address_sanitizer)
inline constexpr bool address_sanitizer = true;
#else
inline constexpr bool address_sanitizer = false;
#endif

#if defined(__SANITIZE_THREAD__) || JETON_HAS_FEATURE(thread_sanitizer)
inline constexpr bool thread_sanitizer = true;
#else
inline constexpr bool thread_sanitizer = false;
#endif

inline constexpr bool sanitized = address_sanitizer || thread_sanitizer;

}  // namespace jeton::test

#undef JETON_HAS_FEATURE
