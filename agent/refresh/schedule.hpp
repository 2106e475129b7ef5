// When a token is refreshed: refresh_at = expires_at - grace - spread_delay (agent/README.md, "The refresh in steps").
// Pure functions.
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

// How much of the pause that a provider asks for is kept: at most retry_after_max. A token that would run out meanwhile
// (`left` until its expiry, negative after it; none: there never was one) is tried once more shortly before, then every
// retry_permanent, and later and later: a header that is wrong costs little, and one that is right is kept in the end.
[[nodiscard]] Milliseconds obeyed_retry_after(Milliseconds asked, std::optional<Milliseconds> left, Milliseconds grace,
                                              const RefreshConfig& config);

// A delay in [0, spread] whose density rises exponentially towards `spread`: of any number of agents only a handful
// draw a short one, and what these do (the claim) holds the others back. The exponential timer of Nonnenmacher &
// Biersack, "Scalable feedback for large groups", IEEE/ACM ToN 7(3), 1999, with lambda = 10, good for up to about 10^4
// agents without knowing how many there are.
[[nodiscard]] Duration draw_suppressed_delay(Duration spread, Random& random);

}  // namespace jeton::agent
