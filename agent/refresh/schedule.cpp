#include "agent/refresh/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace jeton::agent {
namespace {

constexpr Milliseconds longest_default_grace = std::chrono::minutes(5);
constexpr Milliseconds longest_default_spread = std::chrono::seconds(10);
constexpr double lambda = 10.0;

}  // namespace

Duration draw_suppressed_delay(Duration spread, Random& random) {
  // Inverse of the distribution F(x) = (e^(lambda x / T) - 1) / (e^lambda - 1).
  const double x = std::log1p(random.uniform() * std::expm1(lambda)) / lambda;
  return Duration{static_cast<Duration::rep>(std::clamp(x, 0.0, 1.0) * static_cast<double>(spread.count()))};
}

Schedule make_schedule(WallTime issued_at, WallTime expires_at, const RefreshConfig& config, Random& random) {
  const Milliseconds lifetime = std::max(expires_at - issued_at, Milliseconds{0});
  Schedule schedule;
  // A grace period as long as the lifetime would make every new token due at once.
  schedule.grace = std::min(config.grace.value_or(std::min(longest_default_grace, lifetime / 5)), lifetime / 2);
  schedule.spread =
      std::min(config.spread.value_or(std::min(longest_default_spread, schedule.grace / 4)), lifetime / 4);
  // The draw counts from the start of the spread: a short draw wakes early, long before the grace period.
  schedule.spread_delay = schedule.spread - to_ms(draw_suppressed_delay(schedule.spread, random));
  schedule.refresh_at = expires_at - schedule.grace - schedule.spread_delay;
  return schedule;
}

Duration rejection_delay(std::uint32_t rejections, const RefreshConfig& config) {
  if (rejections == 0) return Duration{0};
  const unsigned doublings = std::min<std::uint32_t>(rejections, 20);
  return std::min<Duration>(config.retry_initial * (std::int64_t{1} << doublings), config.retry_permanent);
}

void hasten(Schedule& schedule, WallTime issued_at, std::uint32_t rejections, const RefreshConfig& config) {
  const Milliseconds drawn = schedule.spread - schedule.spread_delay;
  schedule.refresh_at = std::min(schedule.refresh_at, issued_at + to_ms(rejection_delay(rejections, config)) + drawn);
}

Milliseconds obeyed_retry_after(Milliseconds asked, std::optional<Milliseconds> left, Milliseconds grace,
                                const RefreshConfig& config) {
  Milliseconds longest = config.retry_after_max;
  if (left) {
    const Milliseconds room = std::min(config.retry_max, grace / 2);
    const Milliseconds until_next = *left > room ? std::max(*left - room, room / 2)  // not twice in a moment
                                                 : std::max(config.retry_permanent, -*left);
    longest = std::min(longest, until_next);
  }
  return std::min(asked, longest);
}

}  // namespace jeton::agent
