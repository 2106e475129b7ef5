// Mapping: one segment file, mapped read-only.
//
// open_mapping (opener.hpp) makes it after all checks; it is immutable but for `older` and the mutable members. It
// stays mapped until its token is closed, also when a newer file has replaced it, so threads may go on reading it.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "libclient/layout/geometry.hpp"
#include "libclient/layout/segment.hpp"

namespace jeton::client {

struct Mapping {
  const std::byte* base = nullptr;
  layout::Geometry geometry;
  const layout::SlotHeader* slots[2] = {};
  const std::byte* contents[2] = {};  // what follows those
  dev_t device = 0;                   // device and inode name the file; they cannot be reused while it is mapped
  ino_t inode = 0;
  Mapping* older = nullptr;  // the one it replaced; set before others can see this one

  // The last publication whose checksum held; no real one at first. Any thread; a stale value costs one more
  // verification.
  mutable std::atomic<std::uint64_t> verified_publication{~std::uint64_t{0}};

  // The result of the last comparison of both clocks, for ran_out() (expiry.hpp). Any thread.
  mutable std::atomic<std::uint64_t> usable_in{~std::uint64_t{0}};
  mutable std::atomic<std::int64_t> wall_minus_boot_ms{INT64_MIN};

  bool has_our_boot_clock = false;  // so the boot times of its slots can be compared with our CLOCK_BOOTTIME

  // After `base` and `geometry` are set.
  void find_slots() {
    for (unsigned i = 0; i < 2; ++i) {
      slots[i] = reinterpret_cast<const layout::SlotHeader*>(base + geometry.slot_offset(i));
      contents[i] = base + geometry.content_offset(i);
    }
  }
  [[nodiscard]] const layout::FileHeader& header() const { return *reinterpret_cast<const layout::FileHeader*>(base); }
  [[nodiscard]] bool is_file(const struct stat& file) const { return file.st_dev == device && file.st_ino == inode; }
};

}  // namespace jeton::client
