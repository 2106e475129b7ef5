#include "agent/refresh/demand.hpp"

#include <algorithm>
#include <utility>

namespace jeton::agent {

void Demand::make(Reason reason, Generation current, WallTime now, BootTime due, std::string held_by) {
  if (stands(current)) {
    if (due < due_) held_by_ = std::move(held_by);
    due_ = std::min(due_, due);
    if (reason == Reason::rejected) reason_ = reason;
    asked_ = asked_ || reason == Reason::asked;
    return;
  }
  asked_ = reason == Reason::asked;
  made_ = true;
  reason_ = reason;
  replaces_ = current;
  made_at_ = now;
  due_ = due;
  held_by_ = std::move(held_by);
}

Duration rejection_delay(std::uint32_t rejections, const RefreshConfig& config) {
  if (rejections == 0) return Duration{0};
  const unsigned doublings = std::min<std::uint32_t>(rejections, 20);
  return std::min<Duration>(config.retry_initial * (std::int64_t{1} << doublings), config.retry_permanent);
}

std::uint32_t next_rejections(const Record& rejected, WallTime refused_at, const RefreshConfig& config) {
  // Of the same token, given again after it was refused, no time counts as service.
  const bool served = rejected.first_generation == 0 || rejected.rejections == 0;
  if (served && refused_at - rejected.issued_at > config.retry_max) return 1;
  return std::min<std::uint32_t>(rejected.rejections, 1000) + 1;
}

}  // namespace jeton::agent
