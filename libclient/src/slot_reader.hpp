// The reader's half of the protocol: copies one consistent piece out of the current slot, without a store and without a
// wait. libclient/layout/racing_copy.hpp explains the orderings.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "libclient/layout/access.hpp"
#include "libclient/layout/checksum.hpp"
#include "libclient/layout/geometry.hpp"
#include "libclient/layout/racing_copy.hpp"
#include "libclient/src/expiry.hpp"
#include "libclient/src/mapping.hpp"

namespace jeton::client {

enum class SlotRead {
  ok,
  no_token,  // nothing was published yet
  retired,   // this file is retired: open the name again
  busy,      // overtaken by the writer in every attempt
  corrupt,   // sizes, publication number or checksum are wrong though the writer wrote nothing meanwhile
};

// Each failed attempt means that a whole publication went by during a copy, so two in a row are rare already.
inline constexpr int max_attempts = 64;

// The value of `control` when the copy was known to be good, and the header of the slot. Set by read_slot when it
// returns `ok`; not initialised before, because clearing it would take longer than filling it.
struct Snapshot {
  std::uint64_t control;
  layout::SlotHeader slot;
};

// Loads the header field by field, so that unused fields are not stored, and used ones stay in registers.
inline void load_header(layout::SlotHeader& to, const layout::SlotHeader& from, bool has_our_boot_clock) {
  to.publication = layout::racing_load(from.publication);
  to.generation = layout::racing_load(from.generation);
  to.issued_at_ms = layout::racing_load(from.issued_at_ms);
  to.expires_at_ms = layout::racing_load(from.expires_at_ms);
  to.previous_generation = layout::racing_load(from.previous_generation);
  to.previous_accept_until_ms = layout::racing_load(from.previous_accept_until_ms);
  to.value_size = layout::racing_load(from.value_size);
  to.type_size = layout::racing_load(from.type_size);
  to.attributes_size = layout::racing_load(from.attributes_size);
  to.previous_size = layout::racing_load(from.previous_size);
  to.origin_size = layout::racing_load(from.origin_size);
  to.reserved = layout::racing_load(from.reserved);
  to.checksum = layout::racing_load(from.checksum);
  to.expires_boot_ms = has_our_boot_clock ? layout::racing_load(from.expires_boot_ms) : 0;
  to.previous_accept_until_boot_ms = has_our_boot_clock ? layout::racing_load(from.previous_accept_until_boot_ms) : 0;
  to.boot_checksum = has_our_boot_clock ? layout::racing_load(from.boot_checksum) : 0;
}

// An agent of version 1.0 states no times and no checksum of them.
[[nodiscard]] inline bool boot_times_are_whole(const layout::SlotHeader& slot) {
  if (slot.expires_boot_ms == 0 && slot.previous_accept_until_boot_ms == 0) return true;
  return slot.boot_checksum == layout::boot_checksum_of(slot);
}

// True if the copy since `control` was read is one consistent piece; updates `control` to the newest flags.
[[nodiscard]] inline bool still_current(const Mapping& mapping, std::uint64_t& control) {
  layout::racing_acquire_fence();
  const std::uint64_t now = layout::load_relaxed(mapping.header().control);
  if (layout::publication_of(now) != layout::publication_of(control)) return false;
  if ((now & layout::state_retired) != 0) return false;  // its slots may have been wiped under the same number
  control = now;
  return true;
}

// The checksum of a slot whose content is summed up in place; computed once for each publication. Takes the header by
// value so that the caller can keep its own in registers.
[[nodiscard, gnu::noinline]] inline std::uint64_t checksum_in_place(layout::SlotHeader slot, const std::byte* content) {
  return layout::checksum_of<layout::RacingLoads>(slot, content, layout::content_size(slot));
}

// Calls copy(slot, content) to copy the caller's part of the content, with racing_copy only; the sizes in `slot` are
// within the capacities by then. It may call it again after a torn attempt, and the copy counts only if the result is
// `ok`.
template <typename Copy>
[[nodiscard]] SlotRead read_slot(const Mapping& mapping, Snapshot& snapshot, const Copy& copy) {
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    std::uint64_t control = layout::load_acquire(mapping.header().control);
    const std::uint64_t publication = layout::publication_of(control);
    if ((control & layout::state_retired) != 0) return SlotRead::retired;
    if (publication == 0) return SlotRead::no_token;

    const unsigned index = layout::slot_of(publication);
    const std::byte* content = mapping.contents[index];
    load_header(snapshot.slot, *mapping.slots[index], mapping.has_our_boot_clock);
    const bool fits = layout::sizes_fit(snapshot.slot, mapping.geometry);
    if (fits) copy(snapshot.slot, content);
    if (!still_current(mapping, control)) continue;

    if (!fits || snapshot.slot.publication != publication) return SlotRead::corrupt;
    if (mapping.verified_publication.load(std::memory_order_relaxed) != publication) {
      const std::uint64_t sum = checksum_in_place(snapshot.slot, content);
      if (!still_current(mapping, control)) continue;
      if (sum != snapshot.slot.checksum || !boot_times_are_whole(snapshot.slot)) return SlotRead::corrupt;
      mapping.verified_publication.store(publication, std::memory_order_relaxed);
    }
    snapshot.control = control;
    return SlotRead::ok;
  }
  return SlotRead::busy;
}

// The common case of reading only a value: ran_out() remembers that the publication, which was verified then, can be
// used in this second, and the value fits. False if one of these does not hold, or the writer has changed the slot
// meanwhile: then the caller uses read_slot. A header that is being overwritten may hold any values; the used ones are
// checked.
[[nodiscard]] inline bool read_verified_value(const Mapping& mapping, std::int64_t now_s, char* buffer,
                                              std::size_t capacity, std::size_t& size) {
  const std::uint64_t control = layout::load_acquire(mapping.header().control);
  if (!is_usable_in(mapping, control, now_s)) return false;
  if ((control & (layout::state_retired | layout::state_expired)) != 0) return false;

  const unsigned index = layout::slot_of(layout::publication_of(control));
  const std::size_t value_size = layout::racing_load(mapping.slots[index]->value_size);
  if (value_size > mapping.geometry.value_capacity || value_size >= capacity) return false;
  layout::racing_copy(buffer, mapping.contents[index], value_size);
  layout::racing_acquire_fence();
  if (layout::load_relaxed(mapping.header().control) != control) return false;
  buffer[value_size] = '\0';
  size = value_size;
  return true;
}

}  // namespace jeton::client
