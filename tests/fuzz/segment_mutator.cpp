#include "tests/fuzz/segment_mutator.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "libclient/layout/geometry.hpp"
#include "libclient/layout/segment.hpp"
#include "tests/unit/segment/crafted_segment.hpp"

namespace jeton::fuzz {
namespace {

std::size_t below(Random& random, std::size_t limit) { return limit == 0 ? 0 : random() % limit; }

struct Field {
  std::size_t offset;
  std::size_t size;
};

using layout::FileHeader;
using layout::SlotHeader;
#define JETON_FIELD(type, field) \
  { offsetof(type, field), sizeof(type::field) }
constexpr Field header_fields[] = {JETON_FIELD(FileHeader, magic),
                                   JETON_FIELD(FileHeader, major_version),
                                   JETON_FIELD(FileHeader, minor_version),
                                   JETON_FIELD(FileHeader, header_size),
                                   JETON_FIELD(FileHeader, segment_size),
                                   JETON_FIELD(FileHeader, slots_offset),
                                   JETON_FIELD(FileHeader, slot_stride),
                                   JETON_FIELD(FileHeader, slot_header_size),
                                   JETON_FIELD(FileHeader, value_capacity),
                                   JETON_FIELD(FileHeader, type_capacity),
                                   JETON_FIELD(FileHeader, origin_capacity),
                                   JETON_FIELD(FileHeader, attributes_capacity),
                                   JETON_FIELD(FileHeader, name_size),
                                   JETON_FIELD(FileHeader, boot_id),
                                   JETON_FIELD(FileHeader, time_namespace),
                                   JETON_FIELD(FileHeader, control),
                                   JETON_FIELD(FileHeader, wake),
                                   JETON_FIELD(FileHeader, heartbeat_ms)};
constexpr Field slot_fields[] = {JETON_FIELD(SlotHeader, publication),
                                 JETON_FIELD(SlotHeader, generation),
                                 JETON_FIELD(SlotHeader, expires_at_ms),
                                 JETON_FIELD(SlotHeader, previous_generation),
                                 JETON_FIELD(SlotHeader, value_size),
                                 JETON_FIELD(SlotHeader, type_size),
                                 JETON_FIELD(SlotHeader, attributes_size),
                                 JETON_FIELD(SlotHeader, previous_size),
                                 JETON_FIELD(SlotHeader, origin_size),
                                 JETON_FIELD(SlotHeader, checksum),
                                 JETON_FIELD(SlotHeader, expires_boot_ms),
                                 JETON_FIELD(SlotHeader, boot_checksum),
                                 JETON_FIELD(SlotHeader, previous_accept_until_boot_ms)};
#undef JETON_FIELD

// Values at which checks go wrong, and near what stood there.
void set_field(std::string& segment, std::size_t offset, std::size_t size, Random& random) {
  if (offset + size > segment.size()) return;
  std::uint64_t value = 0;
  std::memcpy(&value, segment.data() + offset, std::min(size, sizeof(value)));
  constexpr std::uint64_t interesting[] = {0,    1,          7,          63,         64,          65,           255,
                                           4096, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0xfffffffffff};
  switch (random() % 6) {
    case 0:
      value = interesting[below(random, std::size(interesting))];
      break;
    case 1:
      value = ~std::uint64_t{0} - interesting[below(random, std::size(interesting))];
      break;
    case 2:
      value += 1 + below(random, 70);
      break;
    case 3:
      value -= 1 + below(random, 70);
      break;
    case 4:
      value ^= std::uint64_t{1} << below(random, 64);
      break;
    default:
      value = random();
  }
  std::memcpy(segment.data() + offset, &value, std::min(size, sizeof(value)));
}

// Where the slots are, if the header is good enough to say so.
bool geometry_of(const std::string& segment, layout::Geometry& geometry) {
  FileHeader header = {};
  if (segment.size() < sizeof(header)) return false;
  std::memcpy(&header, segment.data(), sizeof(header));
  return layout::read_geometry(header, segment.size(), geometry) == layout::HeaderFault::none;
}

void mutate_once(std::string& segment, Random& random, std::size_t limit) {
  layout::Geometry geometry;
  const bool whole = geometry_of(segment, geometry);
  switch (random() % 10) {
    case 0:
    case 1: {
      const Field field = header_fields[below(random, std::size(header_fields))];
      return set_field(segment, field.offset, field.size, random);
    }
    case 2:
    case 3:
    case 4: {
      if (!whole) return;
      const Field field = slot_fields[below(random, std::size(slot_fields))];
      return set_field(segment, geometry.slot_offset(random() % 2) + field.offset, field.size, random);
    }
    case 5:
      if (!segment.empty()) segment[below(random, segment.size())] = static_cast<char>(random());
      return;
    case 6:
      if (whole) {  // the sizes inside the attributes, and what else the content is made of
        const std::size_t at = geometry.content_offset(random() % 2) + below(random, geometry.content_capacity());
        set_field(segment, at, 4, random);
      }
      return;
    case 7:
      if (random() % 8 == 0) segment.resize(below(random, std::min(limit, 2 * segment.size() + 2)));
      return;
    case 8:
      if (segment.size() >= sizeof(FileHeader)) {  // declares the size that it has
        const std::uint64_t size = segment.size();
        std::memcpy(segment.data() + offsetof(FileHeader, segment_size), &size, sizeof(size));
      }
      return;
    default:
      if (segment.size() >= sizeof(FileHeader)) {  // another state, or the other slot
        const std::uint64_t retired = random() % 8 == 0 ? layout::state_retired : 0;
        const std::uint64_t control = layout::make_control(random() % 5, random() % 8 | retired);
        std::memcpy(segment.data() + offsetof(FileHeader, control), &control, sizeof(control));
      }
  }
}

}  // namespace

std::string seed_segment(Random& random) {
  test::Crafted craft;
  constexpr std::uint64_t states[] = {layout::state_valid, layout::state_valid | layout::state_rejected,
                                      layout::state_expired, layout::state_valid | layout::state_retired};
  craft.state = states[below(random, 20) < 17 ? 0 : 1 + below(random, 3)];
  craft.publication = below(random, 4);
  craft.minor = static_cast<std::uint16_t>(below(random, 3));
  if (craft.minor > layout::minor_version) craft.slot_header_size += 64;
  craft.value.assign(1 + below(random, craft.value_capacity), 'v');
  if (random() % 2 == 0) craft.previous.assign(1 + below(random, craft.value_capacity), 'p');
  if (random() % 16 == 0) craft.lifetime = std::chrono::milliseconds(-1);
  if (random() % 2 == 0) craft.boot_lifetime = std::chrono::milliseconds(random() % 8 == 0 ? 1 : 60'000);
  craft.filler = random() % 2 == 0 ? 0 : 0xa5;
  return test::crafted_segment(craft);
}

void mutate(std::string& segment, Random& random, std::size_t limit) {
  for (std::size_t i = 1 + below(random, 3); i > 0; --i) mutate_once(segment, random, limit);
  layout::Geometry geometry;
  // A checksum says nothing about intent: with a right one, what lies behind it is looked at.
  if (random() % 2 == 0 && geometry_of(segment, geometry)) {
    test::seal_slot(segment, geometry, 0);
    test::seal_slot(segment, geometry, 1);
  }
}

}  // namespace jeton::fuzz
