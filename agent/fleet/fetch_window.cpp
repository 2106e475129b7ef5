#include "agent/fleet/fetch_window.hpp"

#include <algorithm>

namespace jeton::agent {

FetchWindow::Decision FetchWindow::admit(WallTime now, const FetchLimits& limits) {
  if (last) last = std::min(*last, now);
  WallTime start = std::min(began_at.value_or(now), now);
  std::uint64_t used = calls;
  if (now - start >= to_ms(limits.budget_window)) {
    start = now;
    used = 0;
  }

  const Milliseconds min_interval = to_ms(limits.min_interval);
  if (last && now - *last < min_interval) return {FetchRefusal::min_interval, *last + min_interval - now};
  if (limits.budget > 0 && used >= limits.budget) {
    return {FetchRefusal::budget, start + to_ms(limits.budget_window) - now};
  }
  last = now;
  began_at = start;
  calls = used + 1;
  return {};
}

}  // namespace jeton::agent
