// jeton_token: a name, the directory it was opened in, and the newest mapping of its file.
//
// Threads share it without a lock: `current` is replaced by compare-and-swap, and a mapping that was current once is
// freed only with the token. So a child of fork can never find a lock held, and no reader ever waits.
#pragma once

#include <jeton/jeton.h>

#include <atomic>
#include <cstdint>

#include "libclient/src/mapping.hpp"
#include "libclient/src/slot_reader.hpp"

struct jeton_token {
  std::atomic<std::uint32_t> references{1};  // the handle itself and each reader
  std::atomic<jeton::client::Mapping*> current{nullptr};
  std::atomic<std::int64_t> next_look_ms{0};  // when an expired token's name is looked at again
  std::uint32_t flags = 0;                    // JETON_ALLOW_*
  char* directory = nullptr;                  // absolute
  char name[jeton::layout::max_name_size + 1] = {};

  [[nodiscard]] bool allows(std::uint32_t flag) const { return (flags & flag) != 0; }
};

namespace jeton::client {

void release(jeton_token* token) noexcept;

// Opens the name again and makes that file current, unless it is still the file of `seen`. JETON_NOT_FOUND if there is
// none, or only the retired one. JETON_OK: `current` is another mapping than `seen` then.
[[nodiscard]] jeton_status reopen(jeton_token& token, const Mapping* seen) noexcept;

// The mapping to read: the current one, or if there is none yet the one that has appeared under the name.
[[nodiscard]] inline jeton_status current_mapping(jeton_token& token, Mapping** mapping) noexcept {
  *mapping = token.current.load(std::memory_order_acquire);
  if (*mapping != nullptr) return JETON_OK;
  const jeton_status status = reopen(token, nullptr);
  if (status != JETON_OK) return status;
  *mapping = token.current.load(std::memory_order_acquire);
  return JETON_OK;
}

// For an expired token: checks, once a second at most, whether another file has replaced `seen` without a notification
// (the directory was emptied by hand). True: `current` is the new file.
[[nodiscard]] bool found_replacement(jeton_token& token, const Mapping& seen, std::int64_t now_ms) noexcept;

// Limits the number of replacements that one call follows.
inline constexpr int max_replacements = 8;

// The current token in one piece: read_slot on the current mapping, followed to its successor when it is retired.
template <typename Copy>
[[nodiscard]] jeton_status read_token(jeton_token& token, Mapping** mapping, Snapshot& snapshot,
                                      const Copy& copy) noexcept {
  for (int round = 0; round < max_replacements; ++round) {
    jeton_status status = current_mapping(token, mapping);
    if (status != JETON_OK) return status;
    switch (read_slot(**mapping, snapshot, copy)) {
      case SlotRead::ok:
        return JETON_OK;
      case SlotRead::no_token:
        return JETON_NO_TOKEN;
      case SlotRead::busy:
        return JETON_BUSY;
      case SlotRead::corrupt:
        return JETON_CORRUPT;
      case SlotRead::retired:
        break;
    }
    status = reopen(token, *mapping);
    if (status != JETON_OK) return status;
  }
  return JETON_BUSY;
}

// The flags of jeton.h, from the state in `control` and the time (expiry.hpp).
static_assert(JETON_FLAG_VALID == layout::state_valid && JETON_FLAG_EXPIRED == layout::state_expired &&
              JETON_FLAG_REJECTED == layout::state_rejected);

[[nodiscard]] inline std::uint32_t flags_of(std::uint64_t control, bool ran_out) {
  const auto rejected = static_cast<std::uint32_t>(control) & JETON_FLAG_REJECTED;
  if (ran_out) return rejected | JETON_FLAG_EXPIRED;
  return rejected | (static_cast<std::uint32_t>(control) & JETON_FLAG_VALID);
}

}  // namespace jeton::client
