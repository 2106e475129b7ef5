// SentinelVotes: chooses the primary from the answers of the sentinels of one turn and from the primary known before.
//
// The epoch of a primary rises with every failover, so a higher one is news and counts at once, and so does the known
// primary. A lower one counts only if most sentinels say the like: one that is cut off from the others goes on naming
// the old primary; most of them do so when they were set up again. Another primary of the same epoch counts only if
// more name one than the known one: without a failover that is a mistake in the setup (a host name here, its address
// there), and to go back and forth would end every connection each time. A value; pure logic.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/fleet/redis/client/address.hpp"

namespace jeton::agent::redis {

struct SentinelAnswer {
  Address primary;
  std::optional<std::uint64_t> epoch;  // none: it did not tell
};

class SentinelVotes {
 public:
  enum class Bearing { news, same, behind, other };

  // `known`: what was believed last. `sentinels`: how many there are.
  SentinelVotes(std::optional<SentinelAnswer> known, std::size_t sentinels)
      : known_(std::move(known)), sentinels_(sentinels) {}

  // True: it is to be believed, and no other need be asked.
  [[nodiscard]] bool decides(const SentinelAnswer& answer);
  // When all were asked; none: there is nothing to believe.
  [[nodiscard]] std::optional<SentinelAnswer> result() const;
  [[nodiscard]] bool disagree() const { return same_ > 0 && others_.count > 0; }

  [[nodiscard]] Bearing bearing_of(const SentinelAnswer& answer) const;

 private:
  // Answers that count only if enough sentinels give them. The answer with the highest epoch represents them.
  struct Doubtful {
    std::optional<SentinelAnswer> answer;
    std::size_t count = 0;
    void add(const SentinelAnswer& one);
  };

  std::optional<SentinelAnswer> known_;
  std::size_t sentinels_;
  std::size_t same_ = 0;
  Doubtful behind_;
  Doubtful others_;
};

}  // namespace jeton::agent::redis
