#include "agent/segment/segment_store.hpp"

#include <algorithm>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/record/record_check.hpp"
#include "agent/segment/segment_file.hpp"
#include "libclient/layout/segment.hpp"

namespace jeton::agent {

static_assert(static_cast<std::uint64_t>(TokenFlag::valid) == layout::state_valid &&
              static_cast<std::uint64_t>(TokenFlag::expired) == layout::state_expired &&
              static_cast<std::uint64_t>(TokenFlag::rejected) == layout::state_rejected &&
              static_cast<std::uint64_t>(TokenFlag::retired) == layout::state_retired);

namespace {

std::uint64_t state_at(const Record& record, WallTime now) {
  return record.valid_at(now) ? layout::state_valid : layout::state_expired;
}

void forget_boot_ends(Record& record) {
  record.expires_boot = no_boot_end;
  if (record.previous) record.previous->accept_until_boot = no_boot_end;
}

// Why the record is not adopted; empty: it is valid.
std::string fault_of(const Record& record, WallTime now) {
  try {
    check_record(record, now);
    return {};
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace

SegmentStore::SegmentStore(RuntimeDir& directory, SegmentOptions options, WallTime now)
    : directory_(directory), options_(std::move(options)) {
  adopted_ = open(now);
}

SegmentStore::~SegmentStore() = default;

std::optional<Record> SegmentStore::open(WallTime now) {
  const WriterMutex::Guard guard(directory_.writer_mutex());
  std::string refused;
  file_ = SegmentFile::open(directory_, options_.name, options_.memory_lock, refused);
  std::optional<Record> record;
  if (file_) {
    record = file_->slots().current();
    if ((file_->slots().state() & layout::state_retired) != 0) refused = "it was retired";
    if (!record && file_->slots().has_publication()) refused = "its checksum is wrong";
    if (record && refused.empty()) refused = fault_of(*record, now);
  }
  if (!refused.empty()) {
    log::warning(
        log::segment_replaced, "the existing segment cannot be used; a new one replaces it",
        {{"token", options_.name}, {"segment", directory_.segment_path(options_.name).string()}, {"reason", refused}});
    file_ = nullptr;
    record = std::nullopt;
  }
  if (record) generation_ = record->generation;
  const bool of_this_boot = file_ && file_->has_our_boot_clock();
  if (record && !of_this_boot) forget_boot_ends(*record);
  if (of_this_boot && file_->geometry() == layout::geometry_for(static_cast<std::uint32_t>(options_.capacity)) &&
      !file_->gives_more_than(options_.access)) {
    adopt(record, now);
  } else {
    replace(options_, record, now);
  }
  return record;
}

void SegmentStore::publish(const Record& record, WallTime now) {
  const WriterMutex::Guard guard(directory_.writer_mutex());
  SlotWriter& slots = writable();
  if (record.generation < generation_) {
    throw Error("token '" + options_.name + "': generation " + std::to_string(record.generation) +
                " is older than generation " + std::to_string(generation_) + " in the segment");
  }
  std::optional<Record> trimmed;
  if (record.previous && !keeps_previous(record, now)) {
    trimmed = record;
    trimmed->previous.reset();
  }
  std::uint64_t state = state_at(record, now);
  if (record.generation == generation_) state |= slots.state() & layout::state_rejected;
  slots.publish(trimmed ? *trimmed : record, state);
  file_->touch();
  generation_ = record.generation;
  retire_lost();  // its readers open the name again
}

void SegmentStore::mark_expired() {
  const WriterMutex::Guard guard(directory_.writer_mutex());
  SlotWriter& slots = writable();
  if ((slots.state() & layout::state_valid) == 0) return;
  slots.set_state((slots.state() & ~layout::state_valid) | layout::state_expired);
  file_->touch();
}

void SegmentStore::mark_rejected() {
  const WriterMutex::Guard guard(directory_.writer_mutex());
  SlotWriter& slots = writable();
  if (!slots.has_publication() || rejected()) return;
  slots.set_state(slots.state() | layout::state_rejected);
  file_->touch();
}

bool SegmentStore::rejected() const { return file_ && (file_->slots().state() & layout::state_rejected) != 0; }

void SegmentStore::heartbeat(WallTime now) {
  writable().set_heartbeat(now);
  if (file_->has_name()) return;
  // The file was removed. Readers that have it mapped go on with its token; no other reader can open it.
  try {
    const WriterMutex::Guard guard(directory_.writer_mutex());
    replace(options_, file_->slots().current(), now);
    log::warning(log::runtime_dir_restored, "a segment was removed; the agent created it again",
                 {{"token", options_.name}, {"segment", file_->path()}});
    restore_failed_ = false;
  } catch (const Error& e) {
    if (!std::exchange(restore_failed_, true)) {
      log::error(log::segment_failed, "a segment was removed and cannot be created again",
                 {{"token", options_.name}, {"segment", file_->path()}, {"error", e.what()}});
    }
  }
}

void SegmentStore::reconfigure(std::size_t capacity, const AccessConfig& access, WallTime now) {
  const WriterMutex::Guard guard(directory_.writer_mutex());
  SlotWriter& slots = writable();
  SegmentOptions changed = options_;
  changed.capacity = capacity;
  changed.access = access;
  // heartbeat() replaces a file without its name.
  const bool changes_list = access != options_.access && file_->has_name();
  if (capacity != options_.capacity || (changes_list && file_->gives_more_than(access))) {
    replace(changed, slots.current(), now);
  } else if (changes_list) {
    file_->set_readers(access);
  }
  options_ = std::move(changed);
}

void SegmentStore::retire() {
  const WriterMutex::Guard guard(directory_.writer_mutex());
  writable().retire();
  file_->remove_name();
  JETON_FAILPOINT("segment.retire.removed");
  file_ = nullptr;
  retire_lost();
}

void SegmentStore::retire_lost() {
  if (lost_) lost_->slots().retire();
  lost_ = nullptr;
}

SlotWriter& SegmentStore::writable() {
  if (!file_) throw Error("token '" + options_.name + "': its segment was retired");
  return file_->slots();
}

// An expired previous token is not kept, and one that needs an earlier, larger capacity must not keep the new token
// out.
bool SegmentStore::keeps_previous(const Record& record, WallTime now) const {
  if (record.previous->accept_until <= now) return false;
  if (record.previous->value.size() <= file_->geometry().value_capacity) return true;
  log::warning(log::previous_not_kept, "the previous token does not fit into the segment and is not kept",
               {{"token", options_.name}});
  return false;
}

void SegmentStore::adopt(const std::optional<Record>& record, WallTime now) {
  file_->set_readers(options_.access);
  JETON_FAILPOINT("segment.adopt.granted");
  SegmentFile::discard_leftover(directory_, options_.name);
  SlotWriter& slots = file_->slots();
  slots.wipe_idle_slot();
  JETON_FAILPOINT("segment.adopt.wiped");
  slots.set_heartbeat(now);
  if (record && !record->valid_at(now) && (slots.state() & layout::state_valid) != 0) {
    slots.set_state((slots.state() & ~layout::state_valid) | layout::state_expired);
  }
  // The agent before may have been killed between its store and its call.
  slots.wake_waiters();
  file_->touch();
  JETON_FAILPOINT("segment.adopt.woken");
}

// A new file with the same token, in place before the old one is retired.
void SegmentStore::replace(const SegmentOptions& options, std::optional<Record> record, WallTime now) {
  std::size_t capacity = options.capacity;
  if (record && record->value.size() > capacity) {
    // The next token will show whether the capacity is too small; this one is not discarded for it.
    log::warning(log::capacity_exceeded, "the token is larger than the configured capacity; the segment stays larger",
                 {{"token", options.name}, {"bytes", record->value.size()}, {"capacity", capacity}});
    capacity = record->value.size();
  }
  if (record && record->previous &&
      (record->previous->value.size() > capacity || record->previous->accept_until <= now)) {
    record->previous.reset();
  }
  try {
    put_in_place(options, capacity, record, now);
  } catch (...) {
    SegmentFile::discard_leftover(directory_, options.name);
    throw;
  }
  SegmentFile::discard_leftover(directory_, options.name);  // the one that was replaced
  JETON_FAILPOINT("segment.create.discarded");
}

void SegmentStore::put_in_place(const SegmentOptions& options, std::size_t capacity,
                                const std::optional<Record>& record, WallTime now) {
  auto fresh = SegmentFile::create(directory_, options.name, capacity, options.memory_lock, now);
  fresh->slots().set_heartbeat(now);
  const std::uint64_t rejected = file_ ? file_->slots().state() & layout::state_rejected : 0;
  if (record) fresh->slots().publish(*record, state_at(*record, now) | rejected);
  JETON_FAILPOINT("segment.create.filled");
  fresh->set_readers(options.access);
  JETON_FAILPOINT("segment.create.granted");
  const bool is_lost = file_ && !file_->has_name();
  fresh->take_name();
  std::swap(file_, fresh);
  JETON_FAILPOINT("segment.create.renamed");
  if (!is_lost) return;
  retire_lost();  // the one before
  lost_ = std::move(fresh);
}

std::uint64_t SegmentStore::size() const { return file_ ? file_->geometry().segment_size : 0; }

}  // namespace jeton::agent
