// Combines the answers of a quorum's servers. Pure functions over the answers so far; they ask no server.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/fleet/redlock/server_steps.hpp"

namespace jeton::agent::redlock {

// The result of one attempt to take the lock. `votes`: by server; none: no answer (yet).
struct VoteCount {
  enum class Outcome {
    open,     // the servers that have not answered may decide
    won,      // by a majority
    refused,  // one other owner has a majority, or a majority answered and one of them reports a pause
    split,    // no owner is known to have a majority: try again after a short, random time
  };
  Outcome outcome = Outcome::open;
  // refused: as one server would say it; won: only the fence, above every fence drawn and every generation read.
  LockOperations::Acquired answer;
};

[[nodiscard]] VoteCount count_votes(const std::vector<std::optional<RedisServer::Grant>>& votes, std::size_t pending);

// The newest record of any answer; none if there is none.
[[nodiscard]] std::optional<Record> newest_record(const std::vector<std::optional<RedisServer::Grant>>& votes);
[[nodiscard]] std::optional<Record> newest_record(const std::vector<std::optional<RedisServer::Loaded>>& answers);

// Combines the counts of a majority into one for the fleet: the latest fetch, the highest count of any window that
// still runs, the latest start. The result may be too high, never too low.
[[nodiscard]] FetchCount merge_counts(const std::vector<FetchCount>& counts, Milliseconds window);

}  // namespace jeton::agent::redlock
