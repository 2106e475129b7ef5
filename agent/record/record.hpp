// Record: one token as the fleet knows it: the fetched token, the generation under which it was published, and the
// previous token while that is still acceptable. Every publication has a generation of its own, which orders them in
// the fleet; readers know a token by the generation under which it was first published, so that a higher generation is
// another token. Plain values; times are this host's wall clock (a coordinator with a clock of its own converts at its
// edge). Every end time is kept by this host's boot clock too, which no clock step moves: it has passed when either
// clock says so. Any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/base/secret.hpp"
#include "agent/base/time.hpp"

namespace jeton::agent {

// The fence of the lease under which a token was fetched: microseconds since 1970 or a little more. 0 means none.
using Generation = std::uint64_t;

// A fence or generation that is a hundred years ahead of the coordinator's clock is not valid: it was written by hand,
// or it is damaged. Every backend ignores it. The limit moves with the clock, so a fence below it has room to rise. No
// clock is so wrong that a real fence is above it. The limit stays below 2^53: Lua has exact integers up to there.
inline constexpr std::chrono::hours fence_room{24 * 36'525};
[[nodiscard]] constexpr Generation fence_limit(WallTime coordinator_now) {
  const auto limit = std::chrono::microseconds(coordinator_now.time_since_epoch() + fence_room).count();
  return static_cast<Generation>(std::max<std::int64_t>(limit, 0));
}
using Attributes = std::map<std::string, std::string>;

// The result of a source: a token that has no generation yet.
struct FetchedToken {
  SecretString value;
  std::string type;  // "Bearer"; empty if the provider names none
  Attributes attributes;
  WallTime issued_at;
  WallTime expires_at;
  // The earliest end that was given as a date and not as a time from now. After a step of the clock the same date is
  // another time from now.
  std::optional<WallTime> dated_end{};
  // Data that the source needs for its next fetch and that no reader may see, such as a rotated refresh token; kept
  // with the record in the coordinator, never in the segment. Empty: none.
  SecretString state{};
};

inline constexpr BootTime no_boot_end = BootTime::max();  // not known yet

// The token before the current one; acceptable until its overlap ends.
struct PreviousToken {
  SecretString value;
  Generation generation = 0;
  WallTime accept_until;
  WallTime expires_at{};  // its own end; the epoch: not known
  BootTime accept_until_boot = no_boot_end;

  // Checks both clocks.
  [[nodiscard]] bool acceptable(const Clock& clock) const {
    return clock.wall_now() < accept_until && clock.boot_now() < accept_until_boot;
  }
};

// A state is worth keeping long after the token that came with it.
inline constexpr std::chrono::hours state_lifetime{24 * 400};

struct Record {
  Generation generation = 0;
  // If this is a later publication of the same token (only its times or its state are new): the generation of the first
  // publication. 0: this is the first.
  Generation first_generation = 0;
  SecretString value;
  std::string type;
  Attributes attributes;
  WallTime issued_at;
  WallTime expires_at;
  std::optional<PreviousToken> previous;
  SecretString state{};    // FetchedToken::state
  std::string fetched_by;  // host name of the agent that fetched it
  // Consecutive rejected tokens before this one: each, and this one, was fetched because the provider had rejected the
  // token before it.
  std::uint32_t rejections = 0;
  bool state_only = false;  // a later publication of the same token, for a new state
  BootTime expires_boot = no_boot_end;

  // True: the record has no token; it carries a state for the next fetch, and no reader sees it.
  [[nodiscard]] bool blank() const { return issued_at == expires_at; }
  // The generation by which readers know the token; 0: there is no token.
  [[nodiscard]] Generation token_generation() const {
    if (blank()) return 0;
    return first_generation == 0 ? generation : first_generation;
  }
  // How long a coordinator keeps it.
  [[nodiscard]] WallTime kept_until() const { return state.empty() ? expires_at : expires_at + state_lifetime; }
  [[nodiscard]] bool valid_at(WallTime now) const { return generation != 0 && now < expires_at; }
  // Checks both clocks.
  [[nodiscard]] bool valid(const Clock& clock) const {
    return valid_at(clock.wall_now()) && clock.boot_now() < expires_boot;
  }
};

// The ends by both clocks of this host: neither a step of the wall clock nor a restart of the agent makes a token last
// longer than its lifetime in boot time, which counts suspend.
//
// Sets the boot time of each end of `record` that has none. If a step has moved the wall-clock time of an end behind
// its boot time, corrects the wall-clock time. `known`: the record of the same generation that this host had before,
// whose end times hold; may be null. A record of unknown age (it is dated in the future, and comes from another boot or
// another host) has expired.
void bind_to_boot_clock(Record& record, const Record* known, const Clock& clock);

// Converts the record to another wall clock: adds `offset` to each of its times.
void shift_times(Record& record, Milliseconds offset);

}  // namespace jeton::agent
