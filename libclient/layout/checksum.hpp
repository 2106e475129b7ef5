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

#include "libclient/layout/segment.hpp"

namespace jeton::layout {

// Keeps no byte of its input, only sums.
class Checksum {
 public:
  static constexpr std::size_t block = 32;

  explicit constexpr Checksum(std::uint64_t seed = 0)
      : lanes_{seed + prime_1 + prime_2, seed + prime_2, seed, seed - prime_1}, seed_(seed) {}

  // Whole blocks only; the rest goes to finish().
  void add_blocks(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    // Named variables, because a compiler leaves an indexed array in memory.
    std::uint64_t a = lanes_[0], b = lanes_[1], c = lanes_[2], d = lanes_[3];
    for (std::size_t done = 0; done < size; done += block, bytes += block) {
      a = round(a, load<std::uint64_t>(bytes));
      b = round(b, load<std::uint64_t>(bytes + 8));
      c = round(c, load<std::uint64_t>(bytes + 16));
      d = round(d, load<std::uint64_t>(bytes + 24));
    }
    lanes_[0] = a, lanes_[1] = b, lanes_[2] = c, lanes_[3] = d;
    size_ += size;
  }

  // Adds the rest, of any size, and returns the sum of all.
  [[nodiscard]] std::uint64_t finish(const void* data, std::size_t size) {
    const std::size_t whole = size / block * block;
    add_blocks(data, whole);
    std::uint64_t sum = size_ == 0 ? seed_ + prime_5 : merged();
    size_ += size - whole;
    sum += size_;

    const auto* at = static_cast<const unsigned char*>(data) + whole;
    std::size_t left = size - whole;
    for (; left >= 8; left -= 8, at += 8) {
      sum = std::rotl(sum ^ round(0, load<std::uint64_t>(at)), 27) * prime_1 + prime_4;
    }
    if (left >= 4) {
      sum = std::rotl(sum ^ load<std::uint32_t>(at) * prime_1, 23) * prime_2 + prime_3;
      left -= 4;
      at += 4;
    }
    for (; left > 0; --left, ++at) sum = std::rotl(sum ^ *at * prime_5, 11) * prime_1;

    sum = (sum ^ sum >> 33) * prime_2;
    sum = (sum ^ sum >> 29) * prime_3;
    return sum ^ sum >> 32;
  }

 private:
  static constexpr std::uint64_t prime_1 = 0x9E3779B185EBCA87U;
  static constexpr std::uint64_t prime_2 = 0xC2B2AE3D27D4EB4FU;
  static constexpr std::uint64_t prime_3 = 0x165667B19E3779F9U;
  static constexpr std::uint64_t prime_4 = 0x85EBCA77C2B2AE63U;
  static constexpr std::uint64_t prime_5 = 0x27D4EB2F165667C5U;

  template <typename Word>
  static std::uint64_t load(const unsigned char* from) {
    Word word;
    std::memcpy(&word, from, sizeof(word));
    return word;
  }
  static constexpr std::uint64_t round(std::uint64_t lane, std::uint64_t word) {
    return std::rotl(lane + word * prime_2, 31) * prime_1;
  }
  [[nodiscard]] constexpr std::uint64_t merged() const {
    std::uint64_t sum =
        std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) sum = (sum ^ round(0, lane)) * prime_1 + prime_4;
    return sum;
  }

  std::uint64_t lanes_[4];
  std::uint64_t seed_;
  std::uint64_t size_ = 0;
};

// The checksum of the header's fields, to which the content is added.
[[nodiscard]] inline Checksum checksum_behind(const SlotHeader& slot) {
  return Checksum(Checksum().finish(&slot, offsetof(SlotHeader, checksum)));
}
[[nodiscard]] inline std::uint64_t checksum_of(const SlotHeader& slot, const void* content, std::size_t size) {
  return checksum_behind(slot).finish(content, size);
}

[[nodiscard]] inline std::uint64_t boot_checksum_of(const SlotHeader& slot) {
  static_assert(offsetof(SlotHeader, boot_checksum) - offsetof(SlotHeader, expires_boot_ms) == 16);
  return Checksum(slot.checksum).finish(&slot.expires_boot_ms, 16);
}

}  // namespace jeton::layout
