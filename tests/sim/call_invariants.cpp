#include "tests/sim/call_invariants.hpp"

#include <algorithm>
#include <utility>

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcomes = test::Answer::Kind;

constexpr Duration grain = milliseconds(50);
// Of a command that outlasts its timeouts (provider_call.cpp).
constexpr Duration stuck_after = seconds(10);

template <typename T>
std::size_t count_since(const std::vector<T>& moments, T from) {
  return static_cast<std::size_t>(moments.end() - std::lower_bound(moments.begin(), moments.end(), from));
}

}  // namespace

CallInvariants::Group& CallInvariants::group_of(const std::string& host) {
  return groups_[world_.plan.backend == Backend::local ? host : ""];
}

void CallInvariants::heard(const test::ProviderCall& call) {
  Group& group = group_of(call.host);
  if (call.ended_at) {
    ended(group, call);
  } else {
    began(group, call);
  }
}

void CallInvariants::began(Group& group, const test::ProviderCall& call) {
  check_interval(group, call.host);
  check_alone(group, call.host);
  check_pause(group, call.host);
  group.calls.push_back(call.asked_at);
  group.open[call.host].push_back(call.asked_at);
  check_budget(group, call.host);
  check_count_in_store(group, call.host);
}

void CallInvariants::ended(Group& group, const test::ProviderCall& call) {
  std::erase(group.open[call.host], call.asked_at);
  // systemd/README.md, "provider's answer to a refresh token cannot be read": each is presented once. agent/README.md:
  // "The host that fetched writes the state to `agent.state_dir` before it publishes. The TTL of the lock is the time
  // for which other hosts wait for a host that fetched and cannot publish."
  if (call.replay && group.state_changed_by && world_.disturbances.calm(Invariant::chain, *group.state_changed_by) &&
      !(world_.plan.has(FaultKind::answer_unread) && world_.pause_lifted_at)) {
    world_.fail(Invariant::chain, call.host + " presents a refresh token that is spent");
  }
  const bool brings_state = call.outcome == Outcomes::token || call.outcome == Outcomes::state_only ||
                            call.outcome == Outcomes::unread || call.outcome == Outcomes::lost;
  if (brings_state && !call.replay) group.state_changed_by = call.asked_at;
  if (call.outcome == Outcomes::token && !call.replay) {
    group.failure.reset();
  } else if (call.outcome) {
    group.failure = Failure{*call.ended_at, pause_after(call)};
  }
}

// systemd/README.md: "`budget` is counted in Redis before the call, so a crash cannot spend it twice. [...] The window
// begins with its first call, and a new one begins after its end." So no time as long as a window has more calls than
// two windows. "Lost data [...]: one of them gives the record back within a second, with the budget's count": if there
// is an agent that knows the count, and can.
void CallInvariants::check_budget(const Group& group, const std::string& host) {
  const agent::BudgetConfig& budget = world_.plan.budget;
  if (budget.calls == 0 || counts_by_a_stepped_clock()) return;
  const BootTime from = world_.now() - budget.per;
  std::uint64_t allowed = budget.calls * (2 + losses_for_good(from - budget.per));
  if (world_.may_fetch_alone(from - budget.per)) allowed += 2 * budget.alone * world_.plan.hosts;
  const std::size_t calls = count_since(group.calls, from);
  if (calls <= allowed) return;
  world_.fail(Invariant::budget, "call " + std::to_string(calls) + " of " + host + " and others in " +
                                     seconds_text(budget.per) + ", of which the budget allows " +
                                     std::to_string(budget.calls));
}

std::size_t CallInvariants::losses_for_good(BootTime since) const {
  const auto& losses = world_.budget_losses;
  return static_cast<std::size_t>(
      std::count_if(std::lower_bound(losses.begin(), losses.end(), since), losses.end(),
                    [&](BootTime loss) { return !world_.disturbances.could_be_repaired(loss); }));
}

// The files of a host count by its wall clock, as they outlive its boot.
bool CallInvariants::counts_by_a_stepped_clock() const {
  return world_.plan.backend == Backend::local && world_.plan.has_one_of({FaultKind::wall_step, FaultKind::drift});
}

// The same sentence, by what the store says at that moment: it has counted this call and those before it, and no window
// begins before the end of the last one.
void CallInvariants::check_count_in_store(Group& group, const std::string& host) {
  if (world_.plan.backend != Backend::redis || world_.plan.budget.calls == 0) return;
  const Duration per = world_.plan.budget.per;
  const std::optional<BootTime> before = std::exchange(group.window_began_at, std::nullopt);
  const BootTime longest_ago = world_.now() - per;
  if (!world_.disturbances.calm(Invariant::budget, longest_ago) || world_.may_fetch_alone(longest_ago) ||
      count_since(world_.budget_losses, longest_ago - per) > 0) {
    return;  // a host may call before another one has given the count back, "within a second"
  }
  const std::string key = world_.fleet.key("budget");
  const test::MemoryServer& server = world_.fleet.server(0);
  const std::string start = server.field(key, "window_start_ms");
  const std::string counted = server.field(key, "calls");
  if (start.empty() || counted.empty()) {
    world_.fail(Invariant::budget, host + " calls the provider, and no store has counted it");
    return;
  }
  const agent::WallTime began = agent::from_unix_ms(static_cast<std::int64_t>(std::stod(start)));
  const BootTime since = agent::boot_time_of(began, world_.fleet.loop.clock) - server.clock_error();
  group.window_began_at = since;
  if (before && since > *before + seconds(3) && world_.now() + seconds(3) < *before + per) {
    world_.fail(Invariant::budget,
                host + " calls in a window that began " + seconds_text(since - *before) + " after the one before");
  }
  const std::size_t calls = std::max<std::size_t>(count_since(group.calls, since + seconds(1)), 1);
  if (std::stoull(counted) >= calls && std::stoull(counted) <= world_.plan.budget.calls) return;
  world_.fail(Invariant::budget, host + " makes call " + std::to_string(calls) + " of the window, the store counts " +
                                     counted + ", the budget allows " + std::to_string(world_.plan.budget.calls));
}

// config/agent.yaml, `min_interval`: "Between the starts of two fetches, fleet-wide".
void CallInvariants::check_interval(const Group& group, const std::string& host) {
  if (group.calls.empty() || counts_by_a_stepped_clock()) return;
  const BootTime before = group.calls.back();
  if (world_.may_fetch_alone(before)) return;  // the fleet does not know of standalone calls
  const Duration gap = world_.now() - before;
  if (gap + way_of_a_call >= world_.plan.refresh.min_interval) return;
  if (!world_.disturbances.calm(Invariant::min_interval, before)) return;
  world_.fail(Invariant::min_interval, host + " calls " + seconds_text(gap) + " after the call before");
}

// README.md: "One agent of the fleet holds the updater lock", and agent/README.md: "A lease keeper renews the lock
// every third of its TTL meanwhile". systemd/README.md: "a fetch outlasts every timeout of its source: the lock is not
// renewed any longer and expires".
void CallInvariants::check_alone(const Group& group, const std::string& host) {
  const Milliseconds longest = (world_.plan.rotates ? 2 : 1) * Milliseconds(10'000);
  for (const auto& [other, since] : group.open) {
    for (const BootTime began : since) {
      const auto crashed = world_.crashed_at[number_of(other)];
      const bool lives = !crashed || *crashed < began;
      const bool stuck = world_.now() >= began + longest + stuck_after;
      const BootTime from = began - world_.plan.lock_ttl;
      const bool promised =
          world_.disturbances.calm(Invariant::one_fetch_at_a_time, from) && !world_.may_fetch_alone(from);
      if (!lives || stuck || !promised) continue;
      world_.fail(Invariant::one_fetch_at_a_time,
                  host + " calls while the call of " + other + " lasts, for " + seconds_text(world_.now() - began));
    }
  }
}

// systemd/README.md, "provider answers 5xx, 429, nonsense, or nothing": "the fleet pauses as one: full-jitter backoff;
// Retry-After is obeyed"; "`jetonctl refresh` ends it".
void CallInvariants::check_pause(const Group& group, const std::string& host) {
  if (!group.failure || counts_by_a_stepped_clock()) return;
  const BootTime failed_at = group.failure->at;
  const Duration pause = group.failure->pause - group.failure->pause / 100;  // clocks may drift
  if (world_.now() + grain >= failed_at + pause) return;
  if (world_.pause_lifted_at && *world_.pause_lifted_at > failed_at - seconds(30)) return;
  if (!world_.disturbances.calm(Invariant::pause_is_kept, failed_at - seconds(5))) return;
  world_.fail(Invariant::pause_is_kept, host + " calls " + seconds_text(world_.now() - failed_at) +
                                            " after a failure, which asked for a pause of " +
                                            seconds_text(group.failure->pause));
}

// The least that any draw and any state of the token allows (pause_policy.cpp, schedule.cpp).
Duration CallInvariants::pause_after(const test::ProviderCall& call) const {
  const agent::RefreshConfig& config = world_.plan.refresh;
  const Duration least = config.retry_initial / 4;
  // Another refresh token makes another request, for which no pause was asked.
  if (call.outcome == Outcomes::permanent) return world_.plan.rotates ? Duration{0} : Duration(config.retry_permanent);
  const bool dated = world_.plan.has_one_of({FaultKind::dated_end, FaultKind::provider_clock});
  if (!call.retry_after || world_.plan.rotates || dated) return least;
  const Milliseconds grace = std::min(config.grace.value_or(world_.plan.lifetime / 5), world_.plan.lifetime / 2);
  const Duration room = std::min(config.retry_max, grace / 2);
  return std::max(least, std::min<Duration>(*call.retry_after, room / 2));
}

}  // namespace jeton::sim
