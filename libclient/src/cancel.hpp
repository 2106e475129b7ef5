// jeton_cancel: a word that waits look at and sleep on, beside the segment's; and a descriptor for those that sleep on
// descriptors, made when the first of them comes.
#pragma once

#include <jeton/jeton.h>

#include <atomic>
#include <cstdint>

struct jeton_cancel {
  std::atomic<std::uint32_t> cancelled{0};  // a futex word of this process
  // The descriptor, and in the upper half the process that made it: what a child of fork inherits is its parent's. 0:
  // none.
  std::atomic<std::uint64_t> event{0};
};
static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

namespace jeton::client {

[[nodiscard]] inline bool is_cancelled(const jeton_cancel* cancel) {
  return cancel != nullptr && cancel->cancelled.load(std::memory_order_seq_cst) != 0;
}

// Readable from jeton_cancel_now on. -1: there is none, so look at it now and then. Ask for it before is_cancelled.
[[nodiscard]] int cancel_fd(jeton_cancel* cancel) noexcept;

}  // namespace jeton::client
