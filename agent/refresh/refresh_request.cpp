#include "agent/refresh/refresh_request.hpp"

#include <algorithm>
#include <utility>

namespace jeton::agent {

void RefreshRequest::make(Reason reason, const std::optional<Record>& current, Duration patience) {
  const Duration drawn = std::chrono::duration_cast<Duration>(spread * random_.uniform());
  const WallTime wall = clock_.wall_now();
  const BootTime now = clock_.boot_now();
  BootTime due = now + std::max(drawn, patience);
  std::string held_by = patience > drawn ? "the host that reported the rejection fetches first" : "";
  if (current) {
    // The coordinator minds min_interval too, as long as it remembers the last fetch; there is no need to try before.
    const BootTime issued_at = now - (wall - current->issued_at);
    const auto hold_until = [&](BootTime until, std::string why) {
      if (until <= due) return;
      due = until;
      held_by = std::move(why);
    };
    hold_until(issued_at + config_.min_interval, "min_interval");
    if (reason == Reason::rejected) {
      hold_until(issued_at + rejection_delay(current->rejections, config_),
                 "the provider rejected " + std::to_string(current->rejections + 1) + " tokens in a row");
    }
  }
  consent_ = consent_ || reason == Reason::asked;
  const Generation generation = current ? current->generation : 0;
  if (is_open(generation)) {
    if (due < due_) held_by_ = std::move(held_by);
    due_ = std::min(due_, due);
    if (reason == Reason::rejected) reason_ = reason;
    asked_ = asked_ || reason == Reason::asked;
    return;
  }
  made_ = true;
  asked_ = reason == Reason::asked;
  reason_ = reason;
  replaces_ = generation;
  rejections_ = current ? next_rejections(*current, wall, config_) : 0;
  due_ = due;
  held_by_ = std::move(held_by);
}

Duration rejection_delay(std::uint32_t rejections, const RefreshConfig& config) {
  if (rejections == 0) return Duration{0};
  const unsigned doublings = std::min<std::uint32_t>(rejections, 20);
  return std::min<Duration>(config.retry_initial * (std::int64_t{1} << doublings), config.retry_permanent);
}

std::uint32_t next_rejections(const Record& rejected, WallTime refused_at, const RefreshConfig& config) {
  // If the provider returned the same token again after its rejection, no time of it counts as service.
  const bool served = rejected.first_generation == 0 || rejected.rejections == 0;
  if (served && refused_at - rejected.issued_at > config.retry_max) return 1;
  return std::min<std::uint32_t>(rejected.rejections, 1000) + 1;
}

}  // namespace jeton::agent
