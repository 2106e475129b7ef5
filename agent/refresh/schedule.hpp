// Computes when a token is refreshed: refresh_at = expires_at - grace - spread_delay, earlier for a rejected token that
// the provider returned again (agent/README.md, "The refresh in steps"). Pure functions.
#pragma once

#include <optional>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/config.hpp"

namespace jeton::agent {

struct Schedule {
  Milliseconds grace{};         // configured, or min(300 s, 20 % of the lifetime); never over half the lifetime
  Milliseconds spread{};        // configured, or min(10 s, grace / 4); grace + spread stay under the lifetime
  Milliseconds spread_delay{};  // drawn once a generation, in [0, spread]: how much earlier than the grace period
  WallTime refresh_at;
};

[[nodiscard]] Schedule make_schedule(WallTime issued_at, WallTime expires_at, const RefreshConfig& config,
                                     Random& random);

// How long after its issue a rejected token is replaced at the earliest: 0 for the first rejection, then
// 2 * retry.initial and twice as long each time, up to retry.permanent.
[[nodiscard]] Duration rejection_delay(std::uint32_t rejections, const RefreshConfig& config);

// For a token that the provider rejected and then returned again, `rejections` times in a row: it is due that delay
// after its issue, with the spread behind it, if that is before the time that its lifetime gives. Its readers know that
// it is of no use and do not report it again.
void hasten(Schedule& schedule, WallTime issued_at, std::uint32_t rejections, const RefreshConfig& config);

// The part of a pause requested by the provider that is obeyed: at most retry_after_max. If the token would expire
// meanwhile (`left` until its expiry, negative after it; none: there never was a token), one attempt is made shortly
// before the expiry, then one every retry_permanent, at growing intervals: so a wrong header does little harm, and a
// right one is obeyed in the end.
[[nodiscard]] Milliseconds obeyed_retry_after(Milliseconds asked, std::optional<Milliseconds> left, Milliseconds grace,
                                              const RefreshConfig& config);

// A delay in [0, spread] whose density rises exponentially towards `spread`: of any number of agents only a handful
// draw a short delay, and their claim delays the others. This is the exponential timer of Nonnenmacher & Biersack,
// "Scalable feedback for large groups", IEEE/ACM ToN 7(3), 1999, with lambda = 10. It works for up to about 10^4
// agents, and their number need not be known.
[[nodiscard]] Duration draw_suppressed_delay(Duration spread, Random& random);

}  // namespace jeton::agent
