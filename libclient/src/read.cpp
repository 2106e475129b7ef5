// jeton_read and jeton_inspect: any thread; only the number of the verified publication is cached.
#include <jeton/jeton.h>

#include <cstring>

#include "libclient/src/expiry.hpp"
#include "libclient/src/sized_struct.hpp"
#include "libclient/src/token.hpp"

namespace jeton::client {
namespace {

// The parts that jeton_read leaves out unless they are asked for.
class NoDescription {
 public:
  void take(const layout::SlotHeader&, const std::byte*) {}
  void write(const Mapping&, const Snapshot&, const WallClock&, bool) {}
};

class Description {
 public:
  // cppcheck-suppress uninitMemberVar; zeros would be written in every read, take() fills as much as is read
  explicit Description(jeton_info& info) : info_(info) {}

  // In the course of a copy that may turn out torn: to a place of its own.
  void take(const layout::SlotHeader& slot, const std::byte* content) {
    layout::racing_copy(type_, content + slot.value_size, slot.type_size);
  }
  void write(const Mapping& mapping, const Snapshot& snapshot, const WallClock& now, bool expired) {
    if (info_.size >= sizeof(info_)) return fill(info_, mapping, snapshot, now, expired);
    jeton_info full = JETON_INFO_INIT;  // the caller knows a part of it only
    fill(full, mapping, snapshot, now, expired);
    static_cast<void>(copy_out(info_, full));
  }

 private:
  void fill(jeton_info& info, const Mapping& mapping, const Snapshot& snapshot, const WallClock& now,
            bool expired) const {
    const layout::SlotHeader& slot = snapshot.slot;
    info.generation = slot.generation;
    info.issued_at_ms = slot.issued_at_ms;
    info.expires_at_ms = shown_expiry_ms(mapping, expiry_of(slot));
    info.previous_generation = slot.previous_generation;
    info.previous_accept_until_ms = shown_expiry_ms(mapping, end_of_overlap(slot));
    info.heartbeat_ms = layout::load_relaxed(mapping.header().heartbeat_ms);
    // Never below 0, so no value overflows.
    info.heartbeat_age_ms = info.heartbeat_ms <= 0 ? -1 : std::max<std::int64_t>(now.ms() - info.heartbeat_ms, 0);
    info.value_size = slot.value_size;
    info.flags = flags_of(snapshot.control, expired);
    std::memcpy(info.type, type_, slot.type_size);
    info.type[slot.type_size] = '\0';
  }

  jeton_info& info_;
  char type_[layout::max_type_size];
};

static_assert(sizeof(jeton_info::type) > layout::max_type_size);

template <typename D>
jeton_status read_value(jeton_token& token, char* buffer, std::size_t capacity, std::size_t& size, D& description) {
  // Twice at most: an expired token's file may turn out to have been replaced.
  for (;;) {
    const WallClock now;
    Mapping* mapping = nullptr;
    Snapshot snapshot;
    const jeton_status status =
        read_token(token, &mapping, snapshot, [&](const layout::SlotHeader& slot, const std::byte* content) {
          if (slot.value_size <= capacity) layout::racing_copy(buffer, content, slot.value_size);
          description.take(slot, content);
        });
    if (status != JETON_OK) return status;
    const std::size_t value_size = snapshot.slot.value_size;
    const bool expired = ran_out(*mapping, snapshot.control, expiry_of(snapshot.slot), now);
    if (expired) {
      if (found_replacement(token, *mapping, now.ms())) continue;
      if (!token.allows(JETON_ALLOW_EXPIRED)) {
        if (value_size <= capacity) layout::racing_zero(buffer, value_size);
        return JETON_EXPIRED;
      }
    }
    size = value_size;
    if (value_size > capacity) return JETON_BUFFER_TOO_SMALL;
    if (value_size < capacity) buffer[value_size] = '\0';
    description.write(*mapping, snapshot, now, expired);
    return JETON_OK;
  }
}

// Apart, so that jeton_read without a description needs no room on the stack and no guard of it.
[[gnu::noinline]] jeton_status read_described(jeton_token& token, char* buffer, std::size_t capacity, std::size_t& size,
                                              jeton_info& info) {
  Description description(info);
  return read_value(token, buffer, capacity, size, description);
}
[[gnu::noinline]] jeton_status read_plain(jeton_token& token, char* buffer, std::size_t capacity, std::size_t& size) {
  NoDescription none;
  return read_value(token, buffer, capacity, size, none);
}

}  // namespace
}  // namespace jeton::client

using namespace jeton::client;  // the C functions below are outside of every namespace

// Flattened: the copy is inlined, and after the clock nothing is called in the common case.
extern "C" __attribute__((flatten)) jeton_status jeton_read(jeton_token* token, void* buffer, size_t capacity,
                                                            size_t* size, jeton_info* info) {
  if (token == nullptr || size == nullptr || (buffer == nullptr && capacity != 0)) return JETON_INVALID_ARGUMENT;
  auto* const to = static_cast<char*>(buffer);
  if (info != nullptr) {
    if (info->size <= sizeof(info->size)) return JETON_INVALID_ARGUMENT;
    return read_described(*token, to, capacity, *size, *info);
  }
  const std::int64_t now_s = wall_now_s();
  const Mapping* mapping = token->current.load(std::memory_order_acquire);
  if (mapping != nullptr && read_verified_value(*mapping, now_s, to, capacity, *size)) return JETON_OK;
  return read_plain(*token, to, capacity, *size);
}

extern "C" jeton_status jeton_inspect(jeton_token* token, jeton_info* info) {
  if (token == nullptr || info == nullptr || info->size <= sizeof(info->size)) return JETON_INVALID_ARGUMENT;
  Description description(*info);
  for (;;) {
    const WallClock now;
    Mapping* mapping = nullptr;
    Snapshot snapshot;
    const jeton_status status = read_token(
        *token, &mapping, snapshot, [&](const auto& slot, const auto* content) { description.take(slot, content); });
    if (status != JETON_OK) return status;
    const bool expired = ran_out(*mapping, snapshot.control, expiry_of(snapshot.slot), now);
    if (expired && found_replacement(*token, *mapping, now.ms())) continue;
    description.write(*mapping, snapshot, now, expired);
    return JETON_OK;
  }
}
