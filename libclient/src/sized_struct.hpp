// Structs of jeton.h begin with their size as the caller's compiler knew it. They only ever grow at the end, so an
// older or newer caller and this library share the shorter of the two.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace jeton::client {

// Overwrites the part of `ours` that the caller has. False if `size` was not filled in.
template <typename T>
[[nodiscard]] bool copy_in(T& ours, const T& given) {
  if (given.size <= sizeof(given.size)) return false;
  std::memcpy(&ours, &given, std::min(given.size, sizeof(T)));
  ours.size = sizeof(T);
  return true;
}

// Fills the part that the caller has and leaves its `size`. False if that was not filled in.
template <typename T>
[[nodiscard]] bool copy_out(T& given, T ours) {
  if (given.size <= sizeof(given.size)) return false;
  ours.size = given.size;
  std::memcpy(&given, &ours, std::min(given.size, sizeof(T)));
  return true;
}

}  // namespace jeton::client
