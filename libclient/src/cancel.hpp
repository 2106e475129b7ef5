// jeton_cancel: a futex word that waits check and sleep on, beside the word of the segment; and a descriptor for waits
// that sleep on descriptors, made for the first of them.
#pragma once

#include <jeton/jeton.h>

#include <atomic>
#include <cstdint>

struct jeton_cancel {
  std::atomic<std::uint32_t> cancelled{0};  // a futex word of this process
  // The descriptor, and in the upper half the process that made it: a child of fork inherits the descriptor of its
  // parent and must not use it. 0: none.
  std::atomic<std::uint64_t> event{0};
};
static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

namespace jeton::client {

[[nodiscard]] inline bool is_cancelled(const jeton_cancel* cancel) {
  return cancel != nullptr && cancel->cancelled.load(std::memory_order_seq_cst) != 0;
}

// A descriptor that is readable from jeton_cancel_now on. -1: there is none, so check is_cancelled periodically. Call
// this before is_cancelled.
[[nodiscard]] int cancel_fd(jeton_cancel* cancel) noexcept;

}  // namespace jeton::client
