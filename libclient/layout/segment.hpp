// The segment: the wire format between the agent and the processes of its host, version 1.1.
//
// One file holds one token. A fixed header is followed by two slots. The agent fills the idle slot and publishes it
// with one store to `control`; readers map the file read-only and store nothing. Plain data: no pointer, no type of a
// library, integers of fixed width, little-endian, at the same offsets on 32 and 64 bit. Fields may be added in
// reserved space with a higher minor version; anything else needs a higher major version, which older readers refuse.
//
//      0  FileHeader: never changes in the life of the file
//    256  hot line: control, wake          written at every publication and state change
//    320  heartbeat line: heartbeat_ms     written every few seconds; a line of its own, so that it disturbs no reader
//    384  slot 0, slot 1                   each a SlotHeader and its content, a cache line apart at least
//
// control: the low 8 bits are the state, the upper 56 bits the number of the publication, counted from 1; 0 says that
// there was none. Publication n is in slot n & 1. So one load gives a reader everything, and a view that was
// copied under some control value is current exactly as long as control has that value.
//
// Since 1.1 a slot also says when its token ends by CLOCK_BOOTTIME, which no step of the wall clock moves, and the
// header says which boot clock that is (boot_clock.hpp). A reader with the same boot clock judges by both. A file
// of 1.0, and a slot that an agent of 1.0 filled in a file of 1.1, have zeros there.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace jeton::layout {

static_assert(std::endian::native == std::endian::little, "the segment is little-endian, and so must the machine be");

inline constexpr char magic[8] = {'J', 'E', 'T', 'O', 'N', 'S', 'E', 'G'};
inline constexpr std::uint16_t major_version = 1;
inline constexpr std::uint16_t minor_version = 1;
inline constexpr std::uint16_t first_minor_with_boot_times = 1;

// State flags, the low byte of control.
inline constexpr std::uint64_t state_valid = 1;     // the current token may be used (until its expires_at_ms)
inline constexpr std::uint64_t state_expired = 2;   // it has expired
inline constexpr std::uint64_t state_rejected = 4;  // the provider refused it; still readable
inline constexpr std::uint64_t state_retired = 8;   // nothing is written here any more: open the name again
inline constexpr std::uint64_t state_mask = 0xff;

[[nodiscard]] constexpr std::uint64_t publication_of(std::uint64_t control) { return control >> 8; }
[[nodiscard]] constexpr std::uint64_t state_of(std::uint64_t control) { return control & state_mask; }
[[nodiscard]] constexpr std::uint64_t make_control(std::uint64_t publication, std::uint64_t state) {
  return publication << 8 | state;
}
[[nodiscard]] constexpr unsigned slot_of(std::uint64_t publication) { return static_cast<unsigned>(publication & 1); }

inline constexpr std::size_t max_name_size = 128;  // bytes of a token's name
inline constexpr std::size_t max_type_size = 63;   // bytes of a token's type
inline constexpr std::size_t cache_line = 64;

// `control`, `wake` and `heartbeat_ms` are read and written with the functions of access.hpp only.
struct FileHeader {
  char magic[8];
  std::uint16_t major_version;
  std::uint16_t minor_version;
  std::uint32_t header_size;   // bytes before the first slot
  std::uint64_t segment_size;  // bytes of the whole file
  std::uint64_t slots_offset;  // of slot 0
  std::uint64_t slot_stride;   // slot 1 is at slots_offset + slot_stride
  std::uint32_t slot_header_size;
  std::uint32_t value_capacity;  // bytes; of the current and of the previous value, each
  std::uint32_t type_capacity;
  std::uint32_t attributes_capacity;
  std::uint32_t origin_capacity;
  std::uint32_t name_size;
  std::int64_t created_at_ms;
  char name[max_name_size];      // of the token; not terminated
  std::uint8_t boot_id[16];      // of the boot clock of the slots; zeros: not known
  std::uint64_t time_namespace;  // the same; 0: not known
  std::uint8_t reserved[32];

  alignas(cache_line) std::uint64_t control;
  std::uint32_t wake;  // futex word, bumped after every store to control
  std::uint8_t reserved_hot[52];

  alignas(cache_line) std::int64_t heartbeat_ms;  // the agent was alive then; 0: not yet
  std::uint8_t reserved_heartbeat[56];
};

// Followed by the content without gaps: value, type, attributes (attributes.hpp), previous value, origin.
struct SlotHeader {
  std::uint64_t publication;
  std::uint64_t generation;  // rises strictly from token to token; 0: none
  std::int64_t issued_at_ms;
  std::int64_t expires_at_ms;
  std::uint64_t previous_generation;  // 0: there is no previous token
  std::int64_t previous_accept_until_ms;
  std::uint32_t value_size;
  std::uint32_t type_size;
  std::uint32_t attributes_size;
  std::uint32_t previous_size;
  std::uint32_t origin_size;  // the host that fetched the token
  std::uint32_t reserved;
  std::uint64_t checksum;  // checksum.hpp, over every field above and the content
  // Since 1.1, in milliseconds of CLOCK_BOOTTIME; 0: not stated.
  std::int64_t expires_boot_ms;
  std::int64_t previous_accept_until_boot_ms;
  std::uint64_t boot_checksum;  // of these two, seeded with `checksum`
  std::uint8_t reserved_end[24];
};
inline constexpr std::size_t slot_header_used = 104;  // bytes that version 1.1 has a meaning for

static_assert(std::is_trivially_copyable_v<FileHeader> && std::is_standard_layout_v<FileHeader>);
static_assert(std::is_trivially_copyable_v<SlotHeader> && std::is_standard_layout_v<SlotHeader>);

static_assert(offsetof(FileHeader, magic) == 0);
static_assert(offsetof(FileHeader, major_version) == 8);
static_assert(offsetof(FileHeader, minor_version) == 10);
static_assert(offsetof(FileHeader, header_size) == 12);
static_assert(offsetof(FileHeader, segment_size) == 16);
static_assert(offsetof(FileHeader, slots_offset) == 24);
static_assert(offsetof(FileHeader, slot_stride) == 32);
static_assert(offsetof(FileHeader, slot_header_size) == 40);
static_assert(offsetof(FileHeader, value_capacity) == 44);
static_assert(offsetof(FileHeader, type_capacity) == 48);
static_assert(offsetof(FileHeader, attributes_capacity) == 52);
static_assert(offsetof(FileHeader, origin_capacity) == 56);
static_assert(offsetof(FileHeader, name_size) == 60);
static_assert(offsetof(FileHeader, created_at_ms) == 64);
static_assert(offsetof(FileHeader, name) == 72);
static_assert(offsetof(FileHeader, boot_id) == 200);
static_assert(offsetof(FileHeader, time_namespace) == 216);
static_assert(offsetof(FileHeader, control) == 256);
static_assert(offsetof(FileHeader, wake) == 264);
static_assert(offsetof(FileHeader, heartbeat_ms) == 320);
static_assert(sizeof(FileHeader) == 384);

static_assert(offsetof(SlotHeader, publication) == 0);
static_assert(offsetof(SlotHeader, generation) == 8);
static_assert(offsetof(SlotHeader, issued_at_ms) == 16);
static_assert(offsetof(SlotHeader, expires_at_ms) == 24);
static_assert(offsetof(SlotHeader, previous_generation) == 32);
static_assert(offsetof(SlotHeader, previous_accept_until_ms) == 40);
static_assert(offsetof(SlotHeader, value_size) == 48);
static_assert(offsetof(SlotHeader, type_size) == 52);
static_assert(offsetof(SlotHeader, attributes_size) == 56);
static_assert(offsetof(SlotHeader, previous_size) == 60);
static_assert(offsetof(SlotHeader, origin_size) == 64);
static_assert(offsetof(SlotHeader, checksum) == 72);
static_assert(offsetof(SlotHeader, expires_boot_ms) == 80);
static_assert(offsetof(SlotHeader, previous_accept_until_boot_ms) == 88);
static_assert(offsetof(SlotHeader, boot_checksum) == 96);
static_assert(offsetof(SlotHeader, reserved_end) == slot_header_used);
static_assert(sizeof(SlotHeader) == 128);  // whole cache lines, so that the value begins with one: faster to copy

}  // namespace jeton::layout
