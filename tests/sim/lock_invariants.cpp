#include "tests/sim/lock_invariants.hpp"

namespace jeton::sim {
namespace {

// A loop that runs tells the loss no later than this behind the guaranteed time.
constexpr Duration told_within = std::chrono::milliseconds(5);

}  // namespace

// libclient/README.md: the fence "rises with every acquisition". It is no lower than the time of the server, so it
// rises also when its counter is lost; not where the clock of a server is wrong.
// With local a reboot takes the counter, which may be ahead of the host's clock.
void LockInvariants::granted(const Belief& belief) {
  const bool counter_is_lost = world_.plan.has(FaultKind::wall_step) || world_.plan.has(FaultKind::reboot);
  if (world_.plan.backend == Backend::local && counter_is_lost) return;
  // agent/README.md, "Why the fence holds": after a data loss another host may have had the lock since, with a higher
  // fence.
  if (belief.passed_on && !world_.disturbances.calm(Invariant::one_holder, belief.since)) return;
  std::uint64_t& last = last_fence_[world_.plan.backend == Backend::local ? belief.host : 0];
  if (belief.fence <= last && world_.disturbances.calm(Invariant::fences_rise, BootTime{})) {
    world_.fail(Invariant::fences_rise, belief.user + " has fence " + std::to_string(belief.fence) +
                                            ", an earlier holder had " + std::to_string(last));
  }
  last = std::max(last, belief.fence);
}

// agent/README.md, "Validity": two hold it at no time, as each counts from before its request; also a host that was
// paused knows by its clock. libclient/README.md: "`lost` is true [...] at the latest when the guaranteed time is
// over".
void LockInvariants::look(const std::vector<Belief>& beliefs) {
  for (auto belief = beliefs.begin(); belief != beliefs.end(); ++belief) {
    if (belief->until <= world_.now()) {
      look_at_loss(*belief);
      continue;
    }
    for (auto earlier = beliefs.begin(); earlier != belief; ++earlier) {
      if (earlier->until > world_.now()) look_at_pair(*earlier, *belief);
    }
  }
}

void LockInvariants::look_at_loss(const Belief& belief) {
  if (world_.fleet.is_paused(belief.host) || belief.until + told_within >= world_.now()) return;
  world_.fail(Invariant::loss_is_told,
              belief.user + " is not told that its lock ran out " + seconds_text(world_.now() - belief.until) + " ago");
}

void LockInvariants::look_at_pair(const Belief& one, const Belief& other) {
  const bool same_fleet = world_.plan.backend != Backend::local || one.host == other.host;
  if (!same_fleet || !world_.disturbances.calm(Invariant::one_holder, std::min(one.since, other.since))) return;
  world_.fail(Invariant::one_holder, one.user + " (fence " + std::to_string(one.fence) + ") and " + other.user +
                                         " (fence " + std::to_string(other.fence) + ") hold the lock at a time");
}

// A lock without an owner ends within its time to live, and a release wakes a waiter.
// On a server whose clock is set back a lock lasts longer.
void LockInvariants::waited_in_calm(const std::string& user, std::uint64_t grants) {
  if (world_.plan.has(FaultKind::server_clock)) return;
  if (grants == 0) world_.fail(Invariant::lock_is_had, user + " had no turn in the calm");
}

void LockInvariants::nothing_is_left() {
  if (world_.plan.has(FaultKind::server_clock)) return;
  for (std::size_t server = 0; server < world_.plan.servers; ++server) {
    if (world_.fleet.server(server).keys().contains("jeton:lock:{job}")) {
      world_.fail(Invariant::nothing_left, server_name(server) + " has a lock, although nobody holds it");
    }
  }
}

}  // namespace jeton::sim
