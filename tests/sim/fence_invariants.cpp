#include "tests/sim/fence_invariants.hpp"

#include <algorithm>

namespace jeton::sim {
namespace {

std::uint64_t fence_on(const test::MemoryServer& server, const std::string& key) {
  const std::string text = server.text(key);
  return text.empty() ? 0 : std::stoull(text);
}

}  // namespace

void FenceInvariants::heard(const test::ProviderCall& call) {
  const std::pair key(call.host, call.asked_at);
  if (!call.ended_at) {
    begun_[key] = highest_fence(number_of(call.host));
    return;
  }
  const auto begun = begun_.extract(key);
  const bool arrived = call.outcome == test::Answer::Kind::token && !call.value.empty();
  if (!begun.empty() && arrived) fetches_[call.value].push_back({call.asked_at, begun.mapped()});
}

// The highest that a majority of the servers has: a lease writes its fence back to a majority before it is used. On the
// others an attempt that failed may have drawn a higher one (agent/fleet/redlock/redlock_lock.hpp). A host by itself
// goes on from what it has.
std::uint64_t FenceInvariants::highest_fence(std::size_t host) const {
  if (world_.plan.servers == 0) return world_.fleet.segments[host].generation() + 1;
  std::vector<std::uint64_t> fences;
  for (std::size_t i = 0; i < world_.plan.servers; ++i)
    fences.push_back(fence_on(world_.fleet.server(i), world_.fleet.key("fence")));
  std::sort(fences.rbegin(), fences.rend());
  return fences[world_.plan.servers / 2];
}

// agent/README.md, "Why the fence holds": "The generation of a record is the fence of the lease under which it was
// fetched", and "every acquisition draws a fence that is higher than all earlier ones"; "The call to the provider is
// admitted only while the lock is held. Without that, a host whose lock was granted long ago could give its token a
// generation above that of a newer lease." A token that was given again may be known by the generation of any of its
// fetches: readers keep the first (libclient/README.md).
void FenceInvariants::published(std::size_t host) {
  const agent::Record& record = *world_.fleet.segments[host].record;
  const std::string value(record.value.reveal());
  const auto fetches = fetches_.find(value);
  const bool is_new = looked_at_.emplace(value, record.generation).second;
  if (!is_new || fetches == fetches_.end()) return;
  const auto& all = fetches->second;
  const bool lawful =
      std::any_of(all.begin(), all.end(), [&](const Fetch& each) { return is_lawful(each, record.generation); });
  if (lawful || !std::all_of(all.begin(), all.end(), [&](const Fetch& each) { return is_promised(each); })) return;
  world_.fail(Invariant::highest_fence,
              host_name(host) + " shows " + value + " as generation " + std::to_string(record.generation) +
                  ", fetched when the highest fence was " + std::to_string(all.back().highest_fence));
}

// Without faults it is this very fence; else a store may have lost some of it.
bool FenceInvariants::is_lawful(const Fetch& fetch, agent::Generation generation) const {
  const bool exactly = world_.plan.faults.empty() && world_.plan.servers > 0;
  return exactly ? generation == fetch.highest_fence : generation >= fetch.highest_fence;
}

// "A TTL is not enough to exclude a process that was paused past it", and neither is a store that lost it.
bool FenceInvariants::is_promised(const Fetch& fetch) const {
  const BootTime from = fetch.asked_at - world_.plan.lock_ttl;
  return world_.disturbances.calm(Invariant::highest_fence, from) && !world_.may_fetch_alone(from);
}

}  // namespace jeton::sim
