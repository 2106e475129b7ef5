// SentinelVotes: chooses the primary from the answers of the sentinels of one turn and from the primary known before.
//
// The epoch of a primary rises with every failover. So an answer with a higher epoch is accepted at once, and so is an
// answer that names the known primary. An answer with a lower epoch is accepted only if most sentinels give such
// answers: one sentinel that is cut off from the others goes on naming the old primary, but most sentinels do so only
// after they were set up again. Another primary with the same epoch is accepted only if more sentinels name it than the
// known one: without a failover that is a mistake in the setup (a host name here, its address there), and every change
// back and forth would end all connections. A value; pure logic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "agent/fleet/redis/client/address.hpp"
#include "agent/fleet/redis/client/command.hpp"

namespace jeton::agent::redis {

struct SentinelAnswer {
  Address primary;
  std::optional<std::uint64_t> epoch;  // none: the sentinel did not report it
};

// The primary in the reply to SENTINEL get-master-addr-by-name, without TLS. Throws TransportError.
[[nodiscard]] Address primary_in(const Reply& answer);
// The epoch in the reply to SENTINEL MASTER.
[[nodiscard]] std::optional<std::uint64_t> epoch_in(const Reply& details);

class SentinelVotes {
 public:
  enum class Bearing { news, same, behind, other };

  // `known`: the answer that was accepted last. `sentinels`: their number.
  SentinelVotes(std::optional<SentinelAnswer> known, std::size_t sentinels)
      : known_(std::move(known)), sentinels_(sentinels) {}

  // True: the answer is accepted, and no other sentinel need be asked.
  [[nodiscard]] bool decides(const SentinelAnswer& answer);
  // The result after all sentinels were asked; none: no answer is accepted.
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
