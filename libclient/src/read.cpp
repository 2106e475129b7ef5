// jeton_read and jeton_inspect: any thread, nothing cached but which publication was verified.
#include <jeton/jeton.h>

#include <cstring>

#include "libclient/src/clock.hpp"
#include "libclient/src/flags.hpp"
#include "libclient/src/sized_struct.hpp"
#include "libclient/src/token.hpp"

namespace jeton::client {
namespace {

static_assert(sizeof(jeton_info::type) > layout::max_type_size);

void copy_type(char* out, const layout::SlotHeader& slot, const std::byte* content) {
  layout::racing_copy(out, content + slot.value_size, slot.type_size);
  out[slot.type_size] = '\0';
}

void describe(jeton_info& info, const Mapping& mapping, const Snapshot& snapshot, std::int64_t now_ms) {
  const layout::SlotHeader& slot = snapshot.slot;
  info.generation = slot.generation;
  info.issued_at_ms = slot.issued_at_ms;
  info.expires_at_ms = slot.expires_at_ms;
  info.previous_generation = slot.previous_generation;
  info.previous_accept_until_ms = slot.previous_accept_until_ms;
  info.heartbeat_ms = layout::load_relaxed(mapping.header().heartbeat_ms);
  info.heartbeat_age_ms = info.heartbeat_ms == 0 ? -1 : std::max<std::int64_t>(now_ms - info.heartbeat_ms, 0);
  info.value_size = slot.value_size;
  info.flags = flags_at(snapshot.control, slot.expires_at_ms, now_ms);
}

}  // namespace
}  // namespace jeton::client

using namespace jeton::client;  // the C functions below stand outside of every namespace
namespace layout = jeton::layout;

extern "C" jeton_status jeton_read(jeton_token* token, void* buffer, size_t capacity, size_t* size, jeton_info* info) {
  if (token == nullptr || size == nullptr || (buffer == nullptr && capacity != 0)) return JETON_INVALID_ARGUMENT;
  if (info != nullptr && info->size <= sizeof(info->size)) return JETON_INVALID_ARGUMENT;

  // Twice at most: an expired token's file may turn out to have been replaced.
  for (;;) {
    const std::int64_t now_ms = wall_now_ms();
    Mapping* mapping = nullptr;
    Snapshot snapshot;
    char type[sizeof(jeton_info::type)];
    const jeton_status status =
        read_token(*token, &mapping, snapshot, [&](const layout::SlotHeader& slot, const std::byte* content) {
          if (slot.value_size <= capacity) layout::racing_copy(buffer, content, slot.value_size);
          if (info != nullptr) copy_type(type, slot, content);
        });
    if (status != JETON_OK) return status;
    const layout::SlotHeader& slot = snapshot.slot;
    const std::uint32_t flags = flags_at(snapshot.control, slot.expires_at_ms, now_ms);
    if ((flags & JETON_FLAG_EXPIRED) != 0) {
      if (found_replacement(*token, *mapping, now_ms)) continue;
      if (!token->allows(JETON_ALLOW_EXPIRED)) {
        if (slot.value_size <= capacity) layout::racing_zero(buffer, slot.value_size);
        return JETON_EXPIRED;
      }
    }
    if (slot.value_size > capacity) {
      *size = slot.value_size;
      return JETON_BUFFER_TOO_SMALL;
    }
    if (slot.value_size < capacity) static_cast<char*>(buffer)[slot.value_size] = '\0';
    *size = slot.value_size;
    if (info != nullptr) {
      jeton_info full = JETON_INFO_INIT;
      describe(full, *mapping, snapshot, now_ms);
      std::memcpy(full.type, type, slot.type_size + 1);
      static_cast<void>(copy_out(*info, full));
    }
    return JETON_OK;
  }
}

extern "C" jeton_status jeton_inspect(jeton_token* token, jeton_info* info) {
  if (token == nullptr || info == nullptr || info->size <= sizeof(info->size)) return JETON_INVALID_ARGUMENT;
  for (;;) {
    const std::int64_t now_ms = wall_now_ms();
    Mapping* mapping = nullptr;
    Snapshot snapshot;
    jeton_info full = JETON_INFO_INIT;
    const jeton_status status = read_token(
        *token, &mapping, snapshot,
        [&](const layout::SlotHeader& slot, const std::byte* content) { copy_type(full.type, slot, content); });
    if (status != JETON_OK) return status;
    describe(full, *mapping, snapshot, now_ms);
    if ((full.flags & JETON_FLAG_EXPIRED) != 0 && found_replacement(*token, *mapping, now_ms)) continue;
    static_cast<void>(copy_out(*info, full));
    return JETON_OK;
  }
}
