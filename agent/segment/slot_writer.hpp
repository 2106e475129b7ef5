// SlotWriter: the writer's half of the segment's protocol, on bytes that are mapped already.
//
// A kill between any two instructions leaves the token that was published last readable: the idle slot is filled first,
// one store makes it current, and only then is the superseded slot wiped. The orderings are argued in
// libclient/layout/racing_copy.hpp. One writer at a time (WriterMutex); does not own the bytes.
//
// A wipe covers the bytes that were written since the last one, not the whole capacity: a waiter that the kernel wakes
// on the processor of the writer runs when the writer is done. The first wipe of each slot covers all of it, because an
// earlier writer may have been killed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "agent/record/record.hpp"
#include "libclient/layout/geometry.hpp"
#include "libclient/layout/segment.hpp"

namespace jeton::agent {

class SlotWriter {
 public:
  SlotWriter() = default;
  SlotWriter(std::byte* base, const layout::Geometry& geometry) : base_(base), geometry_(geometry) {
    unwiped_.fill(geometry.slot_header_size + geometry.content_capacity());
  }

  // Fills the idle slot, makes it current with `state`, wakes waiters, wipes the slot before. Throws Error naming the
  // part that is too long; nothing was written then.
  void publish(const Record& record, std::uint64_t state);
  // Sets another state of the same publication; wakes waiters.
  void set_state(std::uint64_t state);
  // Marks the segment as retired, wakes waiters, wipes both slots.
  void retire();
  // Wipes the remains of a killed writer in the slot that is not current.
  void wipe_idle_slot();
  void wake_waiters();
  void set_heartbeat(WallTime now);

  [[nodiscard]] std::uint64_t state() const;
  [[nodiscard]] bool has_publication() const;
  // The current record; empty if sizes, publication number or checksum are wrong, or nothing was published.
  [[nodiscard]] std::optional<Record> current() const;

 private:
  [[nodiscard]] layout::FileHeader& header() const { return *reinterpret_cast<layout::FileHeader*>(base_); }
  void check_fits(const layout::SlotHeader& slot) const;
  void fill(layout::SlotHeader& slot, const Record& record);
  void wipe(unsigned slot);

  std::byte* base_ = nullptr;
  layout::Geometry geometry_;
  std::array<std::size_t, 2> unwiped_{};  // of each slot: so many bytes from its beginning may not be zero
};

}  // namespace jeton::agent
