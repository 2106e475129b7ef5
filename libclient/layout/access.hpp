// Functions to load and store the words that both sides share. They use compiler builtins rather than std::atomic,
// because the layout is plain data in a mapping that readers may not write; each compiles to one instruction.
#pragma once

#include <cstdint>

#include "libclient/layout/segment.hpp"

namespace jeton::layout {

static_assert(__atomic_always_lock_free(sizeof(std::uint64_t), nullptr), "a 64-bit load must be one instruction");

[[nodiscard]] inline std::uint64_t load_acquire(const std::uint64_t& word) {
  return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}
[[nodiscard]] inline std::uint64_t load_relaxed(const std::uint64_t& word) {
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
}
[[nodiscard]] inline std::uint32_t load_acquire(const std::uint32_t& word) {
  return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}
[[nodiscard]] inline std::int64_t load_relaxed(const std::int64_t& word) {
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
}
inline void store_release(std::uint64_t& word, std::uint64_t value) {
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
}
inline void store_relaxed(std::int64_t& word, std::int64_t value) { __atomic_store_n(&word, value, __ATOMIC_RELAXED); }
inline void increment_release(std::uint32_t& word) { __atomic_fetch_add(&word, 1, __ATOMIC_RELEASE); }

}  // namespace jeton::layout
