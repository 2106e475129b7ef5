// 64-bit FNV-1a (Fowler, Noll, Vo). It finds damage and a slot that was never finished; against whoever may write the
// segment nothing but the file's owner and mode protects.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libclient/layout/segment.hpp"

namespace jeton::layout {

class Checksum {
 public:
  void add(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) hash_ = (hash_ ^ bytes[i]) * 0x100000001b3U;
  }
  // Every field of the slot header before the checksum itself.
  void add(const SlotHeader& slot) { add(&slot, offsetof(SlotHeader, checksum)); }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

}  // namespace jeton::layout
