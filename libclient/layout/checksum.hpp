// XXH64 (Yann Collet): one pass at several bytes a cycle, because a client that waits for a token waits for this too,
// on both sides. It finds damage and a slot that was never finished; only the file's owner and mode protect against a
// process that writes to the segment.
//
// A slot's checksum is that of its content, seeded with that of the header's fields before the checksum itself. The
// fields that version 1.1 added behind it have a checksum of their own, so that the first one is right for readers of
// 1.0.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "libclient/layout/racing_copy.hpp"
#include "libclient/layout/segment.hpp"

namespace jeton::layout {

// How a checksum loads the words of its input.
//
// Bytes that do not change meanwhile, at any address.
struct PlainLoads {
  template <typename Word>
  [[nodiscard]] static Word load(const unsigned char* from) {
    Word word;
    std::memcpy(&word, from, sizeof(word));
    return word;
  }
};

// Bytes in place that a writer may be changing, at a multiple of 8, as all content of a slot is. racing_copy.hpp says
// when such a sum counts. A sum over a copy would cost more, and the copy would have to be wiped.
struct RacingLoads {
  template <typename Word>
  [[nodiscard]] static Word load(const unsigned char* from) {
    return racing_load(*reinterpret_cast<const Word*>(from));
  }
};

// Not inlined: header and content run through the same code, which is cold when a waiter has just been woken.
template <typename Loads = PlainLoads>
[[nodiscard, gnu::noinline]] inline std::uint64_t xxh64(const void* data, std::size_t size, std::uint64_t seed = 0) {
  constexpr std::uint64_t prime_1 = 0x9E3779B185EBCA87U;
  constexpr std::uint64_t prime_2 = 0xC2B2AE3D27D4EB4FU;
  constexpr std::uint64_t prime_3 = 0x165667B19E3779F9U;
  constexpr std::uint64_t prime_4 = 0x85EBCA77C2B2AE63U;
  constexpr std::uint64_t prime_5 = 0x27D4EB2F165667C5U;
  constexpr auto round = [](std::uint64_t lane, std::uint64_t word) {
    return std::rotl(lane + word * prime_2, 31) * prime_1;
  };
  const auto* at = static_cast<const unsigned char*>(data);
  const unsigned char* const end = at + size;

  std::uint64_t sum = seed + prime_5;
  if (size >= 32) {
    // Named variables, because a compiler leaves an indexed array in memory.
    std::uint64_t a = seed + prime_1 + prime_2, b = seed + prime_2, c = seed, d = seed - prime_1;
    for (; end - at >= 32; at += 32) {
      a = round(a, Loads::template load<std::uint64_t>(at));
      b = round(b, Loads::template load<std::uint64_t>(at + 8));
      c = round(c, Loads::template load<std::uint64_t>(at + 16));
      d = round(d, Loads::template load<std::uint64_t>(at + 24));
    }
    sum = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
    for (const std::uint64_t lane : {a, b, c, d}) sum = (sum ^ round(0, lane)) * prime_1 + prime_4;
  }
  sum += size;

  for (; end - at >= 8; at += 8) {
    sum = std::rotl(sum ^ round(0, Loads::template load<std::uint64_t>(at)), 27) * prime_1 + prime_4;
  }
  if (end - at >= 4) {
    sum = std::rotl(sum ^ Loads::template load<std::uint32_t>(at) * prime_1, 23) * prime_2 + prime_3;
    at += 4;
  }
  for (; at != end; ++at) {
    sum = std::rotl(sum ^ Loads::template load<unsigned char>(at) * prime_5, 11) * prime_1;
  }

  sum = (sum ^ sum >> 33) * prime_2;
  sum = (sum ^ sum >> 29) * prime_3;
  return sum ^ sum >> 32;
}

// The content may be in place; `slot` is a copy.
template <typename Loads = PlainLoads>
[[nodiscard]] inline std::uint64_t checksum_of(const SlotHeader& slot, const void* content, std::size_t size) {
  return xxh64<Loads>(content, size, xxh64<Loads>(&slot, offsetof(SlotHeader, checksum)));
}

[[nodiscard]] inline std::uint64_t boot_checksum_of(const SlotHeader& slot) {
  static_assert(offsetof(SlotHeader, boot_checksum) - offsetof(SlotHeader, expires_boot_ms) == 16);
  return xxh64(&slot.expires_boot_ms, 16, slot.checksum);
}

}  // namespace jeton::layout
