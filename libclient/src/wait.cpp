// jeton_wait_*: a futex wait on the segment's `wake` word.
//
// No wake-up is lost: the writer stores control, then bumps wake, then calls the kernel; a waiter loads wake, then
// loads control, then sleeps only if wake still has the loaded value. A writer that dies between its store and its call
// wakes no waiter, and a file that is replaced without being retired does not either; so no sleep is longer than a
// slice, after which the waiter checks by itself. tests/model/segment.pml is a model of the wake word.
#include <jeton/jeton.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "libclient/src/cancel.hpp"
#include "libclient/src/expiry.hpp"
#include "libclient/src/opener.hpp"
#include "libclient/src/sized_struct.hpp"
#include "libclient/src/token.hpp"

namespace jeton::client {
namespace {

constexpr std::int64_t slice_ms = 1000;
constexpr std::int64_t missing_slice_ms = 50;  // there is no file whose futex could be waited on
constexpr std::int64_t cancel_slice_ms = 20;   // on a kernel that cannot wait on two words (before Linux 5.16)

class Deadline {
 public:
  explicit Deadline(std::int64_t timeout_ms) {
    const std::int64_t now = monotonic_now_ms();
    if (timeout_ms >= 0 && timeout_ms < INT64_MAX - now) at_ms_ = now + timeout_ms;
  }
  [[nodiscard]] std::int64_t left_ms() const { return std::max<std::int64_t>(at_ms_ - monotonic_now_ms(), 0); }

 private:
  std::int64_t at_ms_ = INT64_MAX;
};

timespec to_timespec(std::int64_t ms) {
  timespec t = {};
  t.tv_sec = static_cast<time_t>(ms / 1000);
  t.tv_nsec = static_cast<long>(ms % 1000 * 1'000'000);
  return t;
}

// With 32 bits, the old call takes a time of 32 bits and the new one is missing before Linux 5.1.
void futex_wait(const std::uint32_t& word, std::uint32_t seen, const timespec& timeout) {
#ifdef SYS_futex_time64
  if (::syscall(SYS_futex_time64, &word, FUTEX_WAIT, seen, &timeout, nullptr, 0) == 0 || errno != ENOSYS) return;
  const long old_timeout[2] = {static_cast<long>(timeout.tv_sec), timeout.tv_nsec};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, old_timeout, nullptr, 0);
#else
  ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &timeout, nullptr, 0);
#endif
}

// Without FUTEX_PRIVATE_FLAG, because the word is shared between processes. A shared futex may lie in a mapping that
// the waiter cannot write. Returns early for a signal or a spurious wake-up; the caller looks and comes back.
void sleep_on(const std::uint32_t& word, std::uint32_t seen, std::int64_t ms) {
  futex_wait(word, seen, to_timespec(ms));
}

#ifdef SYS_futex_waitv
futex_waitv waiting_on(const void* word, std::uint32_t seen, std::uint32_t flags) {
  futex_waitv wait = {};
  wait.val = seen;
  wait.uaddr = reinterpret_cast<std::uintptr_t>(word);
  wait.flags = FUTEX_32 | flags;
  return wait;
}
#endif

// The same, until one of the two words changes.
void sleep_on(const std::uint32_t& word, std::uint32_t seen, const jeton_cancel& cancel, std::int64_t ms) {
#ifdef SYS_futex_waitv
  futex_waitv waits[] = {waiting_on(&word, seen, 0), waiting_on(&cancel.cancelled, 0, FUTEX_PRIVATE_FLAG)};
  const std::int64_t at_ms = monotonic_now_ms() + ms;
  const timespec until = to_timespec(at_ms);
  if (::syscall(SYS_futex_waitv, waits, 2, 0, &until, CLOCK_MONOTONIC) >= 0) return;
  if (errno != ENOSYS && errno != EPERM) return;  // EPERM: a sandbox that does not know the call
#endif
  sleep_on(word, seen, std::min(ms, cancel_slice_ms));
}

void sleep_for(std::int64_t ms) {
  const timespec time = to_timespec(ms);
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

// JETON_OK: there is a valid token above `generation`. JETON_NO_TOKEN, JETON_EXPIRED, JETON_NOT_FOUND, JETON_BUSY:
// a wait may help. The other statuses do not pass by themselves.
jeton_status look(jeton_token& token, std::uint64_t generation, std::uint64_t& found) {
  Mapping* mapping = nullptr;
  Snapshot snapshot;
  const jeton_status status = read_token(token, &mapping, snapshot, [](const layout::SlotHeader&, const std::byte*) {});
  if (status != JETON_OK) return status;
  if (ran_out(*mapping, snapshot.control, expiry_of(snapshot.slot), WallClock())) return JETON_EXPIRED;
  if (snapshot.slot.generation <= generation) return JETON_NO_TOKEN;
  found = snapshot.slot.generation;
  return JETON_OK;
}

bool is_worth_waiting(jeton_status status) {
  return status == JETON_NO_TOKEN || status == JETON_EXPIRED || status == JETON_NOT_FOUND || status == JETON_BUSY;
}

// Follows a file that took the place of `mapping` without a notification. JETON_OK: look again, if another is current
// then.
jeton_status follow(jeton_token& token, const Mapping& mapping) {
  if (!is_replaced(token.directory, token.name, mapping)) return JETON_OK;
  const jeton_status status = reopen(token, &mapping);
  return is_worth_waiting(status) ? JETON_OK : status;
}

jeton_status wait_above(jeton_token& token, std::uint64_t generation, std::int64_t timeout_ms,
                        const jeton_cancel* cancel, std::uint64_t& found) {
  const Deadline deadline(timeout_ms);
  for (;;) {
    if (is_cancelled(cancel)) return JETON_CANCELLED;
    // In this order: the word, then the state that it announces.
    const Mapping* mapping = token.current.load(std::memory_order_acquire);
    const std::uint32_t seen = mapping != nullptr ? layout::load_acquire(mapping->header().wake) : 0;
    const jeton_status status = look(token, generation, found);
    if (!is_worth_waiting(status)) return status;
    if (token.current.load(std::memory_order_acquire) != mapping) continue;  // `seen` is of another file

    const std::int64_t left_ms = deadline.left_ms();
    if (left_ms == 0) {
      // A caller that only looks, again and again, never comes to the check behind the sleep.
      if (mapping == nullptr || status == JETON_NOT_FOUND) return JETON_TIMED_OUT;
      const jeton_status followed = follow(token, *mapping);
      if (followed != JETON_OK) return followed;
      if (token.current.load(std::memory_order_acquire) == mapping) return JETON_TIMED_OUT;
      continue;
    }
    if (mapping == nullptr || status == JETON_NOT_FOUND) {
      sleep_for(std::min(left_ms, missing_slice_ms));
      continue;
    }
    const std::int64_t sleep_ms = std::min(left_ms, slice_ms);
    if (cancel != nullptr) {
      sleep_on(mapping->header().wake, seen, *cancel, sleep_ms);
    } else {
      sleep_on(mapping->header().wake, seen, sleep_ms);
    }
    const bool woken = layout::load_acquire(mapping->header().wake) != seen;
    const jeton_status followed = woken ? JETON_OK : follow(token, *mapping);
    if (followed != JETON_OK) return followed;
  }
}

}  // namespace
}  // namespace jeton::client

extern "C" jeton_status jeton_wait(jeton_token* token, const jeton_wait_options* given, uint64_t* new_generation) {
  jeton_wait_options options = JETON_WAIT_OPTIONS_INIT;
  if (token == nullptr || (given != nullptr && !jeton::client::copy_in(options, *given))) return JETON_INVALID_ARGUMENT;
  std::uint64_t found = 0;
  const jeton_status status =
      jeton::client::wait_above(*token, options.generation, options.timeout_ms, options.cancel, found);
  if (status == JETON_OK && new_generation != nullptr) *new_generation = found;
  return status;
}

extern "C" jeton_status jeton_wait_change(jeton_token* token, uint64_t generation, int64_t timeout_ms,
                                          uint64_t* new_generation) {
  const jeton_wait_options options = {sizeof(options), generation, timeout_ms, nullptr};
  return jeton_wait(token, &options, new_generation);
}

extern "C" jeton_status jeton_wait_valid(jeton_token* token, int64_t timeout_ms) {
  return jeton_wait_change(token, 0, timeout_ms, nullptr);
}
