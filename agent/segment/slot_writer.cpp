#include "agent/segment/slot_writer.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/record/record_check.hpp"
#include "libclient/layout/access.hpp"
#include "libclient/layout/attributes.hpp"
#include "libclient/layout/checksum.hpp"
#include "libclient/layout/racing_copy.hpp"

namespace jeton::agent {
namespace {

// Puts one part behind the other into the slot.
class ContentWriter {
 public:
  explicit ContentWriter(std::byte* at) : at_(at) {}

  void put(std::string_view part) {
    layout::racing_copy(at_, part.data(), part.size());
    at_ += part.size();
  }
  void put_sizes(std::uint32_t name, std::uint32_t value) {
    const std::uint32_t sizes[2] = {name, value};
    put({reinterpret_cast<const char*>(sizes), sizeof(sizes)});
  }

 private:
  std::byte* at_;
};

void check(std::string_view what, std::size_t size, std::size_t capacity, const char* advice) {
  if (size <= capacity) return;
  throw Error(std::string(what) + " of " + std::to_string(size) + " bytes does not fit the segment, which takes " +
              std::to_string(capacity) + advice);
}

// Never 0, which means that there is no time.
std::int64_t stored_boot_ms(BootTime end) {
  return end == no_boot_end ? 0 : std::max<std::int64_t>(to_boot_ms(end), 1);
}
BootTime boot_end(std::int64_t stored_ms) { return stored_ms == 0 ? no_boot_end : from_boot_ms(stored_ms); }

// Sizes that 32 bits do not hold are above every capacity, too.
std::uint32_t size32(std::size_t size) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(size, std::numeric_limits<std::uint32_t>::max()));
}

// All of a slot's header but for its checksums.
layout::SlotHeader header_of(const Record& record, std::uint64_t publication, std::size_t origin_size) {
  layout::SlotHeader slot = {};
  slot.publication = publication;
  slot.generation = record.generation;
  slot.issued_at_ms = to_unix_ms(record.issued_at);
  slot.expires_at_ms = to_unix_ms(record.expires_at);
  slot.value_size = size32(record.value.size());
  slot.type_size = size32(record.type.size());
  slot.attributes_size = size32(size_in_segment(record.attributes));
  slot.origin_size = size32(origin_size);
  if (record.previous) {
    slot.previous_generation = record.previous->generation;
    slot.previous_accept_until_ms = to_unix_ms(record.previous->accept_until);
    slot.previous_size = size32(record.previous->value.size());
    slot.previous_accept_until_boot_ms = stored_boot_ms(record.previous->accept_until_boot);
  }
  slot.expires_boot_ms = stored_boot_ms(record.expires_boot);
  return slot;
}

}  // namespace

void SlotWriter::check_fits(const layout::SlotHeader& slot) const {
  if (layout::sizes_fit(slot, geometry_)) return;
  check("a token", slot.value_size, geometry_.value_capacity, "; raise the token's capacity");
  check("a token type", slot.type_size, geometry_.type_capacity, "");
  check("the attributes", slot.attributes_size, geometry_.attributes_capacity,
        "; select fewer of them in the source's response");
  check("the previous token", slot.previous_size, geometry_.value_capacity, "; raise the capacity");
}

void SlotWriter::fill(layout::SlotHeader& slot, const Record& record) {
  const unsigned index = layout::slot_of(slot.publication);
  const std::size_t size = layout::content_size(slot);
  unwiped_.at(index) = std::max<std::size_t>(unwiped_.at(index), geometry_.slot_header_size + size);
  std::byte* const begin = base_ + geometry_.content_offset(index);
  ContentWriter content(begin);
  content.put(record.value.reveal());
  JETON_FAILPOINT("segment.publish.filling");
  content.put(record.type);
  for (const auto& [name, value] : record.attributes) {
    content.put_sizes(size32(name.size()), size32(value.size()));
    content.put(name);
    content.put(value);
  }
  if (record.previous) content.put(record.previous->value.reveal());
  content.put(std::string_view(record.fetched_by).substr(0, slot.origin_size));
  slot.checksum = layout::checksum_of(slot, begin, size);  // no other writer: plain reads
  slot.boot_checksum = layout::boot_checksum_of(slot);
  layout::racing_copy(base_ + geometry_.slot_offset(index), &slot, sizeof(slot));
}

void SlotWriter::publish(const Record& record, std::uint64_t state) {
  const std::uint64_t publication = layout::publication_of(layout::load_relaxed(header().control)) + 1;
  layout::SlotHeader slot =
      header_of(record, publication, std::min<std::size_t>(record.fetched_by.size(), geometry_.origin_capacity));
  check_fits(slot);
  JETON_FAILPOINT("segment.publish.begin");
  fill(slot, record);
  JETON_FAILPOINT("segment.publish.filled");
  // Release: a reader that loads this value sees the filled slot.
  layout::store_release(header().control, layout::make_control(publication, state));
  // A reader that sees a byte of the following writes to the superseded slot also sees the store above.
  layout::racing_release_fence();
  JETON_FAILPOINT("segment.publish.stored");
  wake_waiters();
  JETON_FAILPOINT("segment.publish.woken");
  wipe(layout::slot_of(publication - 1));
  JETON_FAILPOINT("segment.publish.wiped");
}

void SlotWriter::set_state(std::uint64_t state) {
  const std::uint64_t publication = layout::publication_of(layout::load_relaxed(header().control));
  layout::store_release(header().control, layout::make_control(publication, state));
  JETON_FAILPOINT("segment.state.stored");
  wake_waiters();
}

void SlotWriter::retire() {
  const std::uint64_t control = layout::load_relaxed(header().control);
  layout::store_release(header().control, control | layout::state_retired);
  layout::racing_release_fence();  // as in publish: a reader that copies wiped bytes sees the flag
  JETON_FAILPOINT("segment.retire.stored");
  wake_waiters();
  JETON_FAILPOINT("segment.retire.woken");
  wipe(0);
  wipe(1);
  JETON_FAILPOINT("segment.retire.wiped");
}

void SlotWriter::wipe_idle_slot() {
  wipe(layout::slot_of(layout::publication_of(layout::load_relaxed(header().control)) + 1));
}

void SlotWriter::wake_waiters() {
  layout::increment_release(header().wake);
  JETON_FAILPOINT("segment.wake.bumped");
  // Without FUTEX_PRIVATE_FLAG, because the waiters are other processes. Having no waiters is not an error.
  ::syscall(SYS_futex, &header().wake, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void SlotWriter::set_heartbeat(WallTime now) { layout::store_relaxed(header().heartbeat_ms, to_unix_ms(now)); }

std::uint64_t SlotWriter::state() const { return layout::state_of(layout::load_relaxed(header().control)); }

bool SlotWriter::has_publication() const { return layout::publication_of(layout::load_relaxed(header().control)) != 0; }

void SlotWriter::wipe(unsigned slot) {
  layout::racing_zero(base_ + geometry_.slot_offset(slot), std::exchange(unwiped_.at(slot), 0));
}

std::optional<Record> SlotWriter::current() const {
  const std::uint64_t publication = layout::publication_of(layout::load_relaxed(header().control));
  if (publication == 0) return std::nullopt;
  const unsigned index = layout::slot_of(publication);
  layout::SlotHeader slot;  // no other writer: plain reads
  std::memcpy(&slot, base_ + geometry_.slot_offset(index), sizeof(slot));
  if (!layout::sizes_fit(slot, geometry_) || slot.publication != publication) return std::nullopt;

  const char* content = reinterpret_cast<const char*>(base_ + geometry_.content_offset(index));
  if (layout::checksum_of(slot, content, layout::content_size(slot)) != slot.checksum) return std::nullopt;
  const bool has_boot_ends = slot.expires_boot_ms != 0 || slot.previous_accept_until_boot_ms != 0;
  if (has_boot_ends && slot.boot_checksum != layout::boot_checksum_of(slot)) return std::nullopt;

  const auto take = [&content](std::size_t size) {
    const std::string_view part(content, size);
    content += size;
    return part;
  };
  Record record;
  record.generation = slot.generation;
  record.issued_at = from_unix_ms(slot.issued_at_ms);
  record.expires_at = from_unix_ms(slot.expires_at_ms);
  record.value = SecretString(take(slot.value_size));
  record.type = take(slot.type_size);
  layout::AttributeCursor attributes(take(slot.attributes_size));
  for (std::string_view name, value; attributes.next(name, value);) record.attributes.emplace(name, value);
  if (attributes.malformed()) return std::nullopt;
  const std::string_view previous = take(slot.previous_size);
  if (slot.previous_generation != 0) {
    record.previous =
        PreviousToken{SecretString(previous), slot.previous_generation, from_unix_ms(slot.previous_accept_until_ms)};
    record.previous->accept_until_boot = boot_end(slot.previous_accept_until_boot_ms);
  }
  record.expires_boot = boot_end(slot.expires_boot_ms);
  record.fetched_by = take(slot.origin_size);
  return record;
}

}  // namespace jeton::agent
