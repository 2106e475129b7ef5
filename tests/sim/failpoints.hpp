// The failpoints of the agent by name (agent/base/failpoint.hpp), and how often the agents of a run have reached each.
// .ci/test-names keeps the list complete.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace jeton::sim {

// In the order of the alphabet.
inline constexpr auto failpoint_names = std::to_array<std::string_view>({
    "local.acquire.locked",
    "local.acquire.stored",
    "local.publish.writing",
    "local.publish.written",
    "locks.acquire.answered",
    "locks.acquire.sending",
    "locks.pass.sending",
    "locks.session.held",
    "output.created",
    "output.filled",
    "output.hook",
    "output.marked",
    "output.moved",
    "output.synced",
    "private_file.renamed",
    "private_file.written",
    "redis.acquire.answered",
    "redis.acquire.sending",
    "redis.publish.answered",
    "redis.publish.sending",
    "redlock.acquire.won",
    "redlock.admit.read",
    "redlock.admit.written",
    "redlock.publish.answered",
    "redlock.publish.sending",
    "refresh.fetch",
    "refresh.fetched",
    "refresh.kept",
    "reload.prepared",
    "reload.segments",
    "revoke.done",
    "revoke.sending",
    "segment.adopt.granted",
    "segment.adopt.wiped",
    "segment.adopt.woken",
    "segment.create.allocated",
    "segment.create.discarded",
    "segment.create.filled",
    "segment.create.granted",
    "segment.create.headed",
    "segment.create.opened",
    "segment.create.renamed",
    "segment.discard.retired",
    "segment.mutex.made",
    "segment.publish.begin",
    "segment.publish.filled",
    "segment.publish.filling",
    "segment.publish.stored",
    "segment.publish.wiped",
    "segment.publish.woken",
    "segment.retire.removed",
    "segment.retire.stored",
    "segment.retire.wiped",
    "segment.retire.woken",
    "segment.runtime_dir.locked",
    "segment.state.stored",
    "segment.wake.bumped",
});

using FailpointCounts = std::array<std::uint64_t, failpoint_names.size()>;

[[nodiscard]] inline std::size_t index_of_failpoint(std::string_view name) {
  const auto* const found = std::lower_bound(failpoint_names.begin(), failpoint_names.end(), name);
  if (found == failpoint_names.end() || *found != name) {
    throw std::logic_error(std::string(name) + " is not in the list of failpoints");
  }
  return static_cast<std::size_t>(found - failpoint_names.begin());
}

}  // namespace jeton::sim
