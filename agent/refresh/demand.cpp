#include "agent/refresh/demand.hpp"

#include <algorithm>

namespace jeton::agent {

void Demand::make(Reason reason, Generation current, WallTime now, BootTime due) {
  if (stands(current)) {
    due_ = std::min(due_, due);
    if (reason == Reason::rejected) reason_ = reason;
    return;
  }
  made_ = true;
  reason_ = reason;
  replaces_ = current;
  made_at_ = now;
  due_ = due;
}

Duration rejection_delay(std::uint32_t rejections, const RefreshConfig& config) {
  if (rejections == 0) return Duration{0};
  const unsigned doublings = std::min<std::uint32_t>(rejections, 20);
  return std::min<Duration>(config.retry_initial * (std::int64_t{1} << doublings), config.retry_permanent);
}

std::uint32_t next_rejections(const Record& rejected, WallTime refused_at, const RefreshConfig& config) {
  if (refused_at - rejected.issued_at > config.retry_max) return 1;
  return std::min<std::uint32_t>(rejected.rejections, 1000) + 1;
}

}  // namespace jeton::agent
