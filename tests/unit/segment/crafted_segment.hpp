// A segment made byte by byte, without the agent's writer: of a later minor version, of any geometry, ready to damage.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "libclient/layout/boot_clock.hpp"
#include "libclient/layout/checksum.hpp"
#include "libclient/layout/geometry.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::test {

struct Crafted {
  std::string name = "api";
  std::uint16_t major = layout::major_version;
  std::uint16_t minor = layout::minor_version;
  std::uint32_t header_size = sizeof(layout::FileHeader);
  std::uint32_t slot_header_size = sizeof(layout::SlotHeader);
  std::uint32_t value_capacity = 64;
  std::uint32_t attributes_capacity = 64;
  std::uint64_t publication = 3;  // 0: none
  std::uint64_t state = layout::state_valid;
  std::uint64_t generation = 7;
  std::string value = "secret-value";
  std::string previous{};
  std::chrono::milliseconds lifetime = std::chrono::hours(24);
  std::chrono::milliseconds boot_lifetime{0};  // by the boot clock of the header; 0: not stated
  layout::BootClock boot_clock = layout::own_boot_clock();
  unsigned char filler = 0;  // of what this version has no meaning for
};

inline std::string encoded_attribute(std::string_view name, std::string_view value) {
  const std::uint32_t sizes[2] = {static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(value.size())};
  std::string text(sizeof(sizes), '\0');
  std::memcpy(text.data(), sizes, sizeof(sizes));
  return text.append(name).append(value);
}

// Puts right what a change of the slot's bytes made wrong. `file` has the geometry `g`.
inline void seal_slot(std::string& file, const layout::Geometry& g, unsigned index) {
  layout::SlotHeader slot;
  std::memcpy(&slot, file.data() + g.slot_offset(index), sizeof(slot));
  if (!layout::sizes_fit(slot, g)) return;
  slot.checksum = layout::checksum_of(slot, file.data() + g.content_offset(index), layout::content_size(slot));
  slot.boot_checksum = layout::boot_checksum_of(slot);
  std::memcpy(file.data() + g.slot_offset(index), &slot, sizeof(slot));
}

inline std::string crafted_segment(const Crafted& craft) {
  layout::Geometry g;
  g.slots_offset = (craft.header_size + layout::cache_line - 1) / layout::cache_line * layout::cache_line;
  g.slot_header_size = craft.slot_header_size;
  g.value_capacity = craft.value_capacity;
  g.type_capacity = layout::max_type_size;
  g.attributes_capacity = craft.attributes_capacity;
  g.origin_capacity = 32;
  g.slot_stride =
      (g.slot_header_size + g.content_capacity() + layout::cache_line - 1) / layout::cache_line * layout::cache_line;
  g.segment_size = g.slots_offset + 2 * g.slot_stride;
  std::string file(g.segment_size, static_cast<char>(craft.filler));

  layout::FileHeader header = {};
  std::memcpy(header.magic, layout::magic, sizeof(header.magic));
  header.major_version = craft.major;
  header.minor_version = craft.minor;
  header.header_size = craft.header_size;
  header.segment_size = g.segment_size;
  header.slots_offset = g.slots_offset;
  header.slot_stride = g.slot_stride;
  header.slot_header_size = g.slot_header_size;
  header.value_capacity = g.value_capacity;
  header.type_capacity = g.type_capacity;
  header.attributes_capacity = g.attributes_capacity;
  header.origin_capacity = g.origin_capacity;
  header.name_size = static_cast<std::uint32_t>(craft.name.size());
  craft.name.copy(header.name, sizeof(header.name));
  std::memcpy(header.boot_id, craft.boot_clock.boot_id, sizeof(header.boot_id));
  header.time_namespace = craft.boot_clock.time_namespace;
  std::memset(header.reserved, craft.filler, sizeof(header.reserved));
  std::memset(header.reserved_hot, craft.filler, sizeof(header.reserved_hot));
  std::memset(header.reserved_heartbeat, craft.filler, sizeof(header.reserved_heartbeat));
  header.control = layout::make_control(craft.publication, craft.state);
  std::memcpy(file.data(), &header, sizeof(header));
  if (craft.publication == 0) return file;

  const std::string type = "Bearer";
  const std::string attributes = encoded_attribute("scope", "read") + encoded_attribute("tenant", "42");
  const std::string origin = "host-1";
  layout::SlotHeader slot = {};
  slot.publication = craft.publication;
  slot.generation = craft.generation;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(wall_now().time_since_epoch());
  slot.issued_at_ms = now.count();
  slot.expires_at_ms = (now + craft.lifetime).count();
  slot.value_size = static_cast<std::uint32_t>(craft.value.size());
  slot.type_size = static_cast<std::uint32_t>(type.size());
  slot.attributes_size = static_cast<std::uint32_t>(attributes.size());
  slot.origin_size = static_cast<std::uint32_t>(origin.size());
  if (!craft.previous.empty()) {
    slot.previous_generation = craft.generation - 1;
    slot.previous_accept_until_ms = slot.expires_at_ms;
    slot.previous_size = static_cast<std::uint32_t>(craft.previous.size());
  }
  if (craft.boot_lifetime.count() != 0) {
    slot.expires_boot_ms = agent::to_boot_ms(agent::SystemClock().boot_now() + craft.boot_lifetime);
    slot.previous_accept_until_boot_ms = slot.expires_boot_ms;
  }
  std::memset(slot.reserved_end, craft.filler, sizeof(slot.reserved_end));
  const unsigned index = layout::slot_of(craft.publication);
  std::memcpy(file.data() + g.slot_offset(index), &slot, sizeof(slot));
  file.replace(g.content_offset(index), layout::content_size(slot),
               craft.value + type + attributes + craft.previous + origin);
  seal_slot(file, g, index);
  return file;
}

}  // namespace jeton::test
