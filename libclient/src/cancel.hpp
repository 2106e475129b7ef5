// jeton_cancel: a word that waits look at and sleep on, beside the segment's.
#pragma once

#include <jeton/jeton.h>

#include <atomic>
#include <cstdint>

struct jeton_cancel {
  std::atomic<std::uint32_t> cancelled{0};  // a futex word of this process
};
static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
