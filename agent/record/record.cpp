#include "agent/record/record.hpp"

#include <algorithm>

namespace jeton::agent {
namespace {

// Hosts measure the clock of their coordinator with errors of milliseconds; a step is more.
constexpr Milliseconds step = std::chrono::seconds(1);
// A record that is dated further ahead was dated by another clock than ours.
constexpr Milliseconds future = std::chrono::minutes(5);

BootTime end_of(const Record& record, const Clock& clock) {
  if (record.issued_at > clock.wall_now() + future) return clock.boot_now();
  const BootTime longest = clock.boot_now() + std::max(record.expires_at - record.issued_at, Milliseconds{0});
  return std::min(boot_time_of(record.expires_at, clock), longest);
}

void bind_previous(PreviousToken& previous, const Record* known, const Clock& clock) {
  if (known != nullptr && known->previous && known->previous->generation == previous.generation) {
    previous.accept_until_boot = std::min(previous.accept_until_boot, known->previous->accept_until_boot);
  }
  if (previous.accept_until_boot == no_boot_end)
    previous.accept_until_boot = boot_time_of(previous.accept_until, clock);
  const WallTime by_boot = wall_time_of(previous.accept_until_boot, clock);
  if (previous.accept_until > by_boot + step) previous.accept_until = by_boot;
}

}  // namespace

void bind_to_boot_clock(Record& record, const Record* known, const Clock& clock) {
  if (known != nullptr) record.expires_boot = std::min(record.expires_boot, known->expires_boot);
  if (record.expires_boot == no_boot_end) record.expires_boot = end_of(record, clock);
  const Milliseconds ahead = record.expires_at - wall_time_of(record.expires_boot, clock);
  if (ahead > step) shift_times(record, -ahead);
  if (record.previous) bind_previous(*record.previous, known, clock);
}

void shift_times(Record& record, Milliseconds offset) {
  record.issued_at += offset;
  record.expires_at += offset;
  if (!record.previous) return;
  record.previous->accept_until += offset;
  if (record.previous->expires_at != WallTime{}) record.previous->expires_at += offset;
}

}  // namespace jeton::agent
