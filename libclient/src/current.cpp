// jeton_reader: one thread's private copy of the current token and the value of `control` under which it was made.
#include <jeton/jeton.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "libclient/src/expiry.hpp"
#include "libclient/src/token.hpp"

namespace layout = jeton::layout;
using jeton::client::Mapping;

// The word for a reader without a view; its value always differs from `control` then.
static constexpr std::uint64_t no_control_word = 0;
static constexpr std::uint64_t no_control = ~std::uint64_t{0};
static constexpr std::int64_t no_second = INT64_MIN;

struct jeton_reader {
  // Everything that the short way reads.
  const std::uint64_t* control_word = &no_control_word;  // in the mapping of the view
  std::uint64_t control = no_control;                    // under which the view is current
  std::int64_t usable_in_s = no_second;                  // in any other second, the short way is closed

  jeton_token* token = nullptr;
  const Mapping* mapping = nullptr;  // of the view; nullptr: there is no view
  jeton_view view = {};
  jeton::client::Expiry expiry = {};
  jeton::client::Expiry overlap = {};
  char* buffer = nullptr;  // anonymous memory of its own, kept out of core dumps
  std::size_t buffer_size = 0;
  std::size_t used = 0;
};

namespace jeton::client {
namespace {

constexpr std::size_t parts = 5;  // value, type, attributes, previous value, origin; a NUL behind each

void forget_view(jeton_reader& reader) {
  reader.mapping = nullptr;
  reader.control_word = &no_control_word;
  reader.control = no_control;
  reader.usable_in_s = no_second;
  if (reader.used != 0) layout::racing_zero(reader.buffer, reader.used);
  reader.used = 0;
}

void free_buffer(jeton_reader& reader) {
  if (reader.buffer == nullptr) return;
  forget_view(reader);
  ::munmap(reader.buffer, reader.buffer_size);
  reader.buffer = nullptr;
  reader.buffer_size = 0;
}

// Room for the largest token of this mapping, so that no later publication needs a system call.
jeton_status make_room(jeton_reader& reader, const Mapping& mapping) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t size = (mapping.geometry.content_size_limit() + parts + page - 1) / page * page;
  if (size <= reader.buffer_size) return JETON_OK;
  free_buffer(reader);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return JETON_SYSTEM_ERROR;
  static_cast<void>(::madvise(memory, size, MADV_DONTDUMP));
  static_cast<void>(::mlock(memory, size));  // keeps it from swap where the limit allows
  reader.buffer = static_cast<char*>(memory);
  reader.buffer_size = size;
  return JETON_OK;
}

// Lays the parts of the content one behind the other into the reader's buffer and points the view at them.
void copy_content(jeton_reader& reader, const layout::SlotHeader& slot, const std::byte* content) {
  char* to = reader.buffer;
  const auto take = [&](std::size_t size) {
    const char* part = to;
    layout::racing_copy(to, content, size);
    to[size] = '\0';
    to += size + 1;
    content += size;
    return part;
  };
  jeton_view& view = reader.view;
  view.value = take(view.value_size = slot.value_size);
  view.type = take(view.type_size = slot.type_size);
  view.attributes = take(view.attributes_size = slot.attributes_size);
  view.previous_value = take(view.previous_value_size = slot.previous_size);
  view.origin = take(view.origin_size = slot.origin_size);
  reader.used = std::max(reader.used, static_cast<std::size_t>(to - reader.buffer));
}

// Makes a new view of the current token; there is none if it fails.
jeton_status copy_view(jeton_reader& reader) {
  forget_view(reader);
  Mapping* mapping = nullptr;
  Snapshot snapshot;
  // The mapping may be followed to its successor in the course of reading, and that may need more room.
  jeton_status room = JETON_OK;
  jeton_status status = current_mapping(*reader.token, &mapping);
  if (status != JETON_OK) return status;
  for (int round = 0; round < max_replacements; ++round) {
    room = make_room(reader, *mapping);
    if (room != JETON_OK) return room;
    const std::size_t room_for = mapping->geometry.content_size_limit();
    bool too_small = false;
    status =
        read_token(*reader.token, &mapping, snapshot, [&](const layout::SlotHeader& slot, const std::byte* content) {
          too_small = layout::content_size(slot) > room_for;
          if (!too_small) copy_content(reader, slot, content);
        });
    if (status != JETON_OK) {
      forget_view(reader);
      return status;
    }
    if (too_small) continue;
    jeton_view& view = reader.view;
    view.size = sizeof(view);
    view.generation = snapshot.slot.generation;
    view.issued_at_ms = snapshot.slot.issued_at_ms;
    view.previous_generation = snapshot.slot.previous_generation;
    reader.expiry = expiry_of(snapshot.slot);
    reader.overlap = end_of_overlap(snapshot.slot);
    reader.mapping = mapping;
    reader.control_word = &mapping->header().control;
    reader.control = snapshot.control;
    return JETON_OK;
  }
  forget_view(reader);
  return JETON_BUSY;
}

// Whether the copied view is of the publication that is current; takes over changed flags.
bool is_same_publication(jeton_reader& reader) {
  if (reader.mapping == nullptr) return false;
  const std::uint64_t control = layout::load_acquire(*reader.control_word);
  if ((control & layout::state_retired) != 0) return false;
  if (layout::publication_of(control) != layout::publication_of(reader.control)) return false;
  if (reader.token->current.load(std::memory_order_acquire) != reader.mapping) return false;
  reader.control = control;
  return true;
}

// Everything but "nothing changed since both clocks were compared in this second". Not inlined: the short way stays
// short.
[[gnu::noinline]] jeton_status current_after_change(jeton_reader& reader, const jeton_view** view) {
  for (;;) {
    if (!is_same_publication(reader)) {
      const jeton_status status = copy_view(reader);
      if (status != JETON_OK) return status;
    }
    const WallClock now;
    const bool expired = ran_out(*reader.mapping, reader.control, reader.expiry, now);
    reader.view.flags = flags_of(reader.control, expired);
    reader.view.expires_at_ms = shown_expiry_ms(*reader.mapping, reader.expiry);
    reader.view.previous_accept_until_ms = shown_expiry_ms(*reader.mapping, reader.overlap);
    reader.usable_in_s = no_second;
    if (expired) {
      if (found_replacement(*reader.token, *reader.mapping, now.ms())) continue;
      if (!reader.token->allows(JETON_ALLOW_EXPIRED)) return JETON_EXPIRED;
    } else if (is_usable_in(*reader.mapping, reader.control, now.s())) {
      reader.usable_in_s = now.s();
    }
    *view = &reader.view;
    return JETON_OK;
  }
}

}  // namespace
}  // namespace jeton::client

extern "C" jeton_status jeton_reader_open(jeton_token* token, jeton_reader** reader) {
  if (token == nullptr || reader == nullptr) return JETON_INVALID_ARGUMENT;
  void* memory = std::malloc(sizeof(jeton_reader));
  if (memory == nullptr) return JETON_SYSTEM_ERROR;
  auto* opened = new (memory) jeton_reader;
  const Mapping* mapping = token->current.load(std::memory_order_acquire);
  if (mapping != nullptr && jeton::client::make_room(*opened, *mapping) != JETON_OK) {
    std::free(opened);
    return JETON_SYSTEM_ERROR;
  }
  token->references.fetch_add(1, std::memory_order_relaxed);
  opened->token = token;
  *reader = opened;
  return JETON_OK;
}

extern "C" void jeton_reader_close(jeton_reader* reader) {
  if (reader == nullptr) return;
  jeton::client::free_buffer(*reader);
  jeton::client::release(reader->token);
  std::free(reader);
}

extern "C" jeton_status jeton_current(jeton_reader* reader, const jeton_view** view) {
  if (reader == nullptr || view == nullptr) return JETON_INVALID_ARGUMENT;
  // Same value of control: same publication, same flags, not retired. Acquire pairs with nothing that is read here
  // (the view is this thread's own copy); it keeps the clock from being read first.
  // Two branches that are usually not taken: the usual way is one piece of code, wherever it is placed.
  if (layout::load_acquire(*reader->control_word) != reader->control) [[unlikely]] {
    return jeton::client::current_after_change(*reader, view);
  }
  if (jeton::client::wall_now_s() != reader->usable_in_s) [[unlikely]] {
    return jeton::client::current_after_change(*reader, view);
  }
  *view = &reader->view;
  return JETON_OK;
}
