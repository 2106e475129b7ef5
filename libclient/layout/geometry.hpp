// Geometry: the places of the parts of one segment, read once from its header and checked against the size of the file,
// so that nothing computed from it later can leave the mapping. Both sides use it; neither looks at the header's fields
// a second time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "libclient/layout/segment.hpp"

namespace jeton::layout {

struct Geometry {
  std::uint64_t segment_size = 0;
  std::uint64_t slots_offset = 0;
  std::uint64_t slot_stride = 0;
  std::uint32_t slot_header_size = 0;
  std::uint32_t value_capacity = 0;
  std::uint32_t type_capacity = 0;
  std::uint32_t attributes_capacity = 0;
  std::uint32_t origin_capacity = 0;

  [[nodiscard]] constexpr std::uint64_t slot_offset(unsigned slot) const { return slots_offset + slot * slot_stride; }
  [[nodiscard]] constexpr std::uint64_t content_offset(unsigned slot) const {
    return slot_offset(slot) + slot_header_size;
  }
  // The largest size of a slot's content.
  [[nodiscard]] constexpr std::uint64_t content_capacity() const {
    return 2 * std::uint64_t{value_capacity} + type_capacity + attributes_capacity + origin_capacity;
  }
  // The same, for buffers: read_geometry refuses capacities whose sum would not fit 32 bits.
  [[nodiscard]] constexpr std::size_t content_size_limit() const {
    return static_cast<std::size_t>(content_capacity());
  }
  bool operator==(const Geometry&) const = default;
};

inline constexpr std::uint32_t max_value_capacity = 16 * 1024 * 1024;
inline constexpr std::uint32_t attributes_capacity = 4096;
inline constexpr std::uint32_t origin_capacity = 255;

// The geometry that versions 1.0 and 1.1 write for a given capacity.
[[nodiscard]] constexpr Geometry geometry_for(std::uint32_t value_capacity) {
  Geometry g;
  g.slots_offset = sizeof(FileHeader);
  g.slot_header_size = sizeof(SlotHeader);
  g.value_capacity = value_capacity;
  g.type_capacity = max_type_size;
  g.attributes_capacity = attributes_capacity;
  g.origin_capacity = origin_capacity;
  const std::uint64_t slot = g.slot_header_size + g.content_capacity();
  g.slot_stride = (slot + cache_line - 1) / cache_line * cache_line;
  g.segment_size = g.slots_offset + 2 * g.slot_stride;
  return g;
}

enum class HeaderFault { none, bad_magic, unsupported_version, truncated, corrupt };

// Fills `out` only if there is no fault. `file_size` is the real size of the file; `header` must be at least
// sizeof(FileHeader) bytes of it.
[[nodiscard]] inline HeaderFault read_geometry(const FileHeader& header, std::uint64_t file_size, Geometry& out) {
  if (std::memcmp(header.magic, magic, sizeof(magic)) != 0) return HeaderFault::bad_magic;
  if (header.major_version != major_version) return HeaderFault::unsupported_version;
  if (header.segment_size != file_size) return HeaderFault::truncated;

  Geometry g;
  g.segment_size = header.segment_size;
  g.slots_offset = header.slots_offset;
  g.slot_stride = header.slot_stride;
  g.slot_header_size = header.slot_header_size;
  g.value_capacity = header.value_capacity;
  g.type_capacity = header.type_capacity;
  g.attributes_capacity = header.attributes_capacity;
  g.origin_capacity = header.origin_capacity;

  // Each bound also keeps the sums below from wrapping.
  constexpr std::uint64_t limit = std::uint64_t{1} << 32;
  const bool sane =
      header.header_size >= sizeof(FileHeader) && g.slots_offset >= header.header_size &&
      g.slots_offset % cache_line == 0 && g.slot_stride % cache_line == 0 && g.slot_header_size >= sizeof(SlotHeader) &&
      g.slot_header_size % 8 == 0 && g.value_capacity <= max_value_capacity && g.type_capacity <= max_type_size &&
      g.attributes_capacity <= max_value_capacity && g.origin_capacity <= max_value_capacity &&
      g.slots_offset < limit && g.slot_stride < limit && header.name_size >= 1 && header.name_size <= max_name_size;
  if (!sane || g.slot_header_size + g.content_capacity() > g.slot_stride ||
      g.slots_offset + 2 * g.slot_stride > g.segment_size) {
    return HeaderFault::corrupt;
  }
  out = g;
  return HeaderFault::none;
}

[[nodiscard]] inline std::string_view name_in(const FileHeader& header) { return {header.name, header.name_size}; }

// Sizes copied out of a slot are within the capacities: they may be used as sizes.
[[nodiscard]] constexpr bool sizes_fit(const SlotHeader& slot, const Geometry& g) {
  return slot.value_size <= g.value_capacity && slot.type_size <= g.type_capacity &&
         slot.attributes_size <= g.attributes_capacity && slot.previous_size <= g.value_capacity &&
         slot.origin_size <= g.origin_capacity;
}
[[nodiscard]] constexpr std::size_t content_size(const SlotHeader& slot) {
  return std::size_t{slot.value_size} + slot.type_size + slot.attributes_size + slot.previous_size + slot.origin_size;
}

// A token's name is the name of its file: letters, digits, '.', '_' and '-', beginning with a letter or a digit.
[[nodiscard]] constexpr bool is_token_name(std::string_view name) {
  if (name.empty() || name.size() > max_name_size) return false;
  for (const char c : name) {
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alphanumeric && c != '.' && c != '_' && c != '-') return false;
  }
  return name.front() != '.' && name.front() != '_' && name.front() != '-';
}

}  // namespace jeton::layout
