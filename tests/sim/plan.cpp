#include "tests/sim/plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>

#include "tests/support/dice.hpp"

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::Dice;

// Chance of its own, so that what the plan draws does not change what the fleet draws.
constexpr std::uint64_t salt_of_plans = 0x706c616e;
constexpr std::uint64_t salt_of_locks = 0x6c6f636b;

// Short ones as often as long ones.
Duration between(Duration shortest, Duration longest, Dice& dice) {
  const double share = dice.uniform() * dice.uniform();
  return shortest + std::chrono::duration_cast<Duration>((longest - shortest) * share);
}

void draw_fleet(Plan& plan, Dice& dice) {
  const double backend = dice.uniform();
  if (backend < 0.1) {
    plan.backend = Backend::local;
    plan.hosts = 1 + dice.below(2);
  } else if (backend < 0.65) {
    plan.backend = Backend::redis;
    plan.servers = 1;
    plan.hosts = 1 + dice.below(7);
  } else {
    plan.backend = Backend::redlock;
    plan.servers = dice.chance(0.7) ? 3 : 5;
    plan.hosts = 1 + dice.below(5);
  }
}

void draw_token(Plan& plan, Dice& dice) {
  plan.lifetime = seconds(60 + dice.below(120));
  plan.lock_ttl = dice.one_of({seconds(15), seconds(5)});
  if (dice.chance(0.3)) plan.refresh.grace = plan.lifetime / 3;
  plan.refresh.min_interval = dice.one_of({milliseconds(1'000), milliseconds(5'000), milliseconds(10)});
  if (dice.chance(0.4)) plan.refresh.overlap = seconds(5 + dice.below(30));
  plan.refresh.retry_max = dice.one_of({seconds(5), seconds(20)});
  plan.refresh.retry_permanent = seconds(30);
  plan.refresh.retry_after_max = seconds(90);
  plan.revokes = plan.refresh.overlap > Milliseconds{0} && dice.chance(0.5);
  if (dice.chance(0.4)) {
    plan.budget.per = minutes(4);
    plan.budget.calls = 2 + static_cast<std::uint64_t>(plan.budget.per / plan.lifetime) + dice.below(6);
    plan.budget.reserve = dice.below(2);
  }
  plan.rotates = dice.chance(0.3) && (plan.backend != Backend::local || plan.hosts == 1);
  if (plan.backend != Backend::local && dice.chance(0.25)) plan.fetch_alone = seconds(10);
  plan.answer_time = milliseconds(20 + dice.below(500));
}

// Chance of its own: the rest of a plan is the same with and without locks. Fewer with redlock, where an attempt is a
// command to each server: half of the time of all seeds went to those.
void draw_locks(Plan& plan) {
  Dice dice(plan.seed ^ salt_of_plans ^ salt_of_locks);
  if (!dice.chance(plan.backend == Backend::redlock ? 0.1 : 0.2)) return;
  plan.lock_users = 2 + dice.below(5);
  plan.lock_user_ttl = dice.one_of({seconds(1), seconds(3), seconds(10)});
}

// Those that may befall this fleet; a third of them, or few, or none.
std::vector<FaultKind> draw_kinds(const Plan& plan, Dice& dice) {
  const double share = dice.one_of({0.0, 0.1, 0.35, 0.35, 0.7});
  std::vector<FaultKind> kinds;
  for (std::size_t i = 0; i < fault_kind_count; ++i) {
    const FaultInfo& kind = info(static_cast<FaultKind>(i));
    const bool of_servers = kind.target == FaultInfo::Target::server || kind.resource == Resource::way ||
                            kind.resource == Resource::latency;
    const bool of_states = kind.kind == FaultKind::answer_unusable || kind.kind == FaultKind::answer_unread ||
                           kind.kind == FaultKind::state_lost || kind.kind == FaultKind::disk_full;
    // Fleets that do not know of each other would end each other's tokens for ever.
    const bool of_one_fleet = kind.kind == FaultKind::old_token_ends;
    const bool one_fleet = plan.backend != Backend::local || plan.hosts == 1;
    const bool may = (!of_servers || plan.servers > 0) && (!of_states || plan.rotates) && (!of_one_fleet || one_fleet);
    const bool chosen = dice.chance(share);
    if (chosen && may) kinds.push_back(kind.kind);
  }
  return kinds;
}

std::uint64_t target_of(const FaultInfo& kind, const Plan& plan, Dice& dice) {
  if (kind.target == FaultInfo::Target::host) return dice.below(plan.hosts);
  return kind.target == FaultInfo::Target::server ? dice.below(plan.servers) : 0;
}

void draw_faults(Plan& plan, Dice& dice) {
  for (const FaultKind each : draw_kinds(plan, dice)) {
    const FaultInfo& kind = info(each);
    const Duration mean = dice.one_of({seconds(20), seconds(60), seconds(200)});
    for (Duration at{}; at < plan.length; at += std::chrono::duration_cast<Duration>(2 * mean * dice.uniform())) {
      if (at == Duration{} && !dice.chance(0.2)) continue;  // few befall the start
      plan.faults.push_back(
          {at, each, target_of(kind, plan, dice), between(kind.shortest, kind.longest, dice), dice.below(1'000'000)});
    }
  }
  std::stable_sort(plan.faults.begin(), plan.faults.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  std::map<std::pair<Resource, std::size_t>, Duration> free_at;
  std::erase_if(plan.faults, [&](const Fault& fault) {
    const Resource resource = info(fault.kind).resource;
    if (resource == Resource::none) return false;
    Duration& free = free_at[{resource, fault.target}];
    if (fault.at < free) return true;
    free = fault.at + fault.length + milliseconds(1);
    return false;
  });
  for (std::size_t i = 0; i < plan.faults.size(); ++i) plan.faults[i].number = i;
}

const char* name_of(Backend backend) {
  if (backend == Backend::local) return "local";
  return backend == Backend::redis ? "redis" : "redlock";
}

}  // namespace

bool Plan::has(FaultKind kind) const {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& fault) { return fault.kind == kind; });
}

bool Plan::has_one_of(std::initializer_list<FaultKind> kinds) const {
  return std::any_of(kinds.begin(), kinds.end(), [&](FaultKind kind) { return has(kind); });
}

bool Plan::misreads_dates() const {
  return has(FaultKind::wall_step) && has_one_of({FaultKind::dated_end, FaultKind::provider_clock});
}

bool Plan::has_token(const std::string& name) const {
  for (std::size_t i = 0; i < tokens; ++i) {
    if (name == name_of_token(i)) return true;
  }
  return false;
}

std::string name_of_token(std::size_t token) { return token == 0 ? "api" : "api-" + std::to_string(token); }

Plan make_plan(std::uint64_t seed) {
  Dice dice(seed ^ salt_of_plans);
  Plan plan;
  plan.seed = seed;
  plan.real_segments = seed % 4 == 0;
  draw_fleet(plan, dice);
  draw_token(plan, dice);
  plan.length = std::max<Duration>(2 * plan.lifetime, seconds(150)) + seconds(dice.below(90));
  draw_faults(plan, dice);
  draw_locks(plan);
  return plan;
}

std::string seconds_text(Duration duration) {
  const auto ms = std::abs(agent::to_ms(duration).count());
  std::string digits = std::to_string(ms % 1000);
  digits.insert(0, 3 - digits.size(), '0');
  return (duration < Duration{0} ? "-" : "") + std::to_string(ms / 1000) + "." + digits + "s";
}

std::string to_text(const Fault& fault) {
  const FaultInfo& kind = info(fault.kind);
  std::string text = std::to_string(fault.number) + ": " + seconds_text(fault.at) + " " + kind.name;
  if (kind.target == FaultInfo::Target::host) text += " of host " + std::to_string(fault.target);
  if (kind.target == FaultInfo::Target::server) text += " of server " + std::to_string(fault.target);
  if (fault.length > Duration{0}) text += " for " + seconds_text(fault.length);
  return text + " amount " + std::to_string(fault.amount);
}

std::string to_text(const Plan& plan) {
  std::ostringstream out;
  out << "seed " << plan.seed << ": " << plan.hosts << " hosts, " << name_of(plan.backend);
  if (plan.servers > 0) out << " with " << plan.servers << " servers";
  if (plan.tokens > 1) out << ", " << plan.tokens << " tokens";
  if (plan.real_segments) out << ", production segments";
  out << ", lifetime " << seconds_text(plan.lifetime);
  if (plan.refresh.grace) out << ", grace " << seconds_text(*plan.refresh.grace);
  out << ", lock TTL " << seconds_text(plan.lock_ttl) << ", min_interval " << seconds_text(plan.refresh.min_interval)
      << ", retry_max " << seconds_text(plan.refresh.retry_max);
  if (plan.refresh.overlap > Milliseconds{0}) out << ", overlap " << seconds_text(plan.refresh.overlap);
  if (plan.revokes) out << ", revokes";
  if (plan.budget.calls > 0) {
    out << ", budget " << plan.budget.calls << " per " << seconds_text(plan.budget.per) << " reserve "
        << plan.budget.reserve;
  }
  if (plan.rotates) out << ", rotating refresh token";
  if (plan.fetch_alone) out << ", fetch_alone " << seconds_text(*plan.fetch_alone);
  if (plan.lock_users > 0) {
    out << ", " << plan.lock_users << " users of a lock, TTL " << seconds_text(plan.lock_user_ttl);
  }
  out << ", answers in " << seconds_text(plan.answer_time) << ", faults for " << seconds_text(plan.length) << "\n";
  for (const Fault& fault : plan.faults) out << "  " << to_text(fault) << "\n";
  return out.str();
}

}  // namespace jeton::sim
