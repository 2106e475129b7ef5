#include "tests/sim/simulation.hpp"

#include <algorithm>
#include <map>

#include "tests/sim/failpoint_kills.hpp"
#include "tests/sim/fault_effects.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/invariants.hpp"
#include "tests/sim/lock_users.hpp"
#include "tests/sim/more_tokens.hpp"
#include "tests/sim/token_users.hpp"

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int calm_lifetimes = 1;  // has a rotation
constexpr Duration longest_stop = seconds(60);
constexpr std::size_t hosts_told = 8;  // of thousands that lack something

bool has_a_token(const test::VirtualFleet& fleet, std::size_t host) {
  const test::ModelSegment& segment = fleet.segments[host];
  return segment.record && !segment.expired && segment.record->valid(fleet.clock_of(host)) &&
         fleet.provider.accepts(std::string(segment.record->value.reveal()));
}

class Run {
 public:
  Run(const Plan& plan, const Observation& observation)
      : plan_(plan),
        observation_(observation),
        fleet_(fleet_of(plan)),
        world_(plan, fleet_, observation.live),
        effects_(world_, outcome_.coverage),
        kills_(world_, outcome_.coverage),
        invariants_(world_),
        more_tokens_(world_),
        users_(world_),
        locks_(world_) {
    prepare_provider(world_);
    fleet_.provider.observer = [this](const test::ProviderCall& call) { heard(call); };
    for (std::size_t i = 0; i < plan.hosts; ++i) fleet_.segments[i].observer = [this, i] { published(i); };
    for (std::size_t i = 0; i < plan.servers; ++i) {
      fleet_.server(i).observe([this, i](const std::string& key) {
        invariants_.key_changed(i, key);
        more_tokens_.key_changed(i, key);
      });
    }
  }
  // The fleet outlives what listens to it.
  ~Run() {
    fleet_.provider.observer = nullptr;
    for (auto& segment : fleet_.segments) segment.observer = nullptr;
    for (std::size_t i = 0; i < plan_.servers; ++i) fleet_.server(i).observe(nullptr);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Outcome run() {
    for (std::size_t i = 0; i < plan_.hosts; ++i) fleet_.start(i);
    more_tokens_.start();
    const bool held = befall() && recover() && pass_until(plan_.length) && pass_calm() && stop();
    if (held) invariants_.nothing_is_left();
    if (held) locks_.nothing_is_left();
    return outcome();
  }

 private:
  // Each returns false when an invariant is violated.
  bool befall() {
    std::multimap<Duration, const Fault*> ends;
    for (const Fault& fault : plan_.faults) {
      while (!ends.empty() && ends.begin()->first <= fault.at) {
        if (!end_first(ends)) return false;
      }
      if (!pass_until(fault.at)) return false;
      effects_.begins(fault);
      begin_fault(world_, fault);
      ends.emplace(fault.at + fault.length, &fault);
    }
    while (!ends.empty()) {
      if (!end_first(ends)) return false;
    }
    return !world_.violation;
  }

  bool end_first(std::multimap<Duration, const Fault*>& ends) {
    const auto [at, fault] = *ends.begin();
    ends.erase(ends.begin());
    if (!pass_until(at)) return false;
    effects_.ends(*fault);
    end_fault(world_, *fault);
    return true;
  }

  bool recover() {
    world_.note("fleet", "no fault from here on");
    locks_.faults_are_over();
    const bool well =
        fleet_.until([this] { return violated() || is_well() || needs_a_person(); }, recovery_bound(plan_));
    if (well) return !world_.violation;
    world_.fail(Invariant::recovery, "not every host has the token of the fleet " +
                                         seconds_text(recovery_bound(plan_)) + " after the last fault: " + who_lacks());
    return false;
  }

  // The fleet goes on when it is told so, or when somebody has put a new refresh token there.
  [[nodiscard]] bool needs_a_person() const {
    return plan_.rotates && (plan_.has(FaultKind::answer_unread) || fleet_.provider.replays > 0);
  }

  // Of many hosts, the one that lacked a token the last time is the first to ask.
  [[nodiscard]] bool is_well() {
    const auto& segments = fleet_.segments;
    if (!is_well(lacks_)) return false;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      lacks_ = i;
      if (!is_well(i)) return false;
    }
    return plan_.backend == Backend::local || (all_have_the_token(fleet_) && more_tokens_.are_well());
  }
  [[nodiscard]] bool is_well(std::size_t host) const { return has_a_token(fleet_, host); }

  [[nodiscard]] std::string who_lacks() const {
    std::string text;
    std::size_t told = 0;
    for (std::size_t i = 0; i < plan_.hosts && told < hosts_told; ++i) {
      if (plan_.hosts > hosts_told && is_well(i)) continue;
      ++told;
      const auto& segment = fleet_.segments[i];
      const bool valid = segment.record && segment.record->valid(fleet_.clock_of(i));
      text += (told == 1 ? "" : ", ") + host_name(i) + (valid ? " has generation " : " has none, last ") +
              std::to_string(segment.generation());
      if (valid && !fleet_.provider.accepts(std::string(segment.record->value.reveal())))
        text += ", which has been ended";
      if (!fleet_.runs(i)) continue;
      const agent::TokenStatus status = fleet_.status(i);
      if (!status.last_error.empty()) text += " (" + status.last_error + ")";
      if (status.paused_until) text += " (paused: " + status.pause_reason + ")";
    }
    return text;
  }

  bool pass_calm() {
    locks_.calm_begins();
    const bool held = pass(calm_lifetimes * plan_.lifetime);
    if (held) locks_.everybody_had_it();
    return !world_.violation;
  }

  bool stop() {
    locks_.stop();
    if (!stop_more_tokens()) return false;
    for (std::size_t i = 0; i < plan_.hosts; ++i) {
      if (fleet_.runs(i)) fleet_.stop_soon(i);
    }
    std::size_t first = 0;  // that has not been seen to stop
    const auto stopped = [&] {
      while (first < plan_.hosts && fleet_.has_stopped(first)) ++first;
      return first == plan_.hosts && locks_.stopped();
    };
    const bool in_time = fleet_.until([&] { return violated() || stopped(); }, longest_stop);
    if (!in_time) {
      world_.fail(Invariant::nothing_left, "an agent did not stop within " + seconds_text(longest_stop));
    }
    // A lock of an agent that crashed before ends by itself.
    return !world_.violation && pass(seconds(1));
  }

  // They use the coordinators of the agents.
  bool stop_more_tokens() {
    if (plan_.tokens == 1) return true;
    more_tokens_.stop();
    const bool in_time = fleet_.until([&] { return violated() || more_tokens_.have_stopped(); }, longest_stop);
    if (!in_time) {
      world_.fail(Invariant::nothing_left, "the loop of a token did not stop within " + seconds_text(longest_stop));
    }
    return !world_.violation;
  }

  bool pass(Duration duration) { return pass_until(world_.since_start() + duration); }
  bool pass_until(Duration moment) {
    const Duration left = moment - world_.since_start();
    if (left >= Duration{0}) static_cast<void>(fleet_.until([this] { return violated(); }, left));
    return !world_.violation;
  }

  bool violated() {
    if (observation_.each_turn) observation_.each_turn(world_);
    users_.each_turn();
    kills_.each_turn();
    invariants_.each_turn();
    more_tokens_.each_turn();
    locks_.each_turn();
    return world_.violation.has_value();
  }

  void heard(const test::ProviderCall& call) {
    if (call.ended_at) {
      const std::string token = call.value.empty() ? "" : ", " + call.value;
      world_.note(call.host, std::string("call ends: ") + outcome_of(call) + token);
    } else {
      world_.note(call.host, "calls the provider");
    }
    invariants_.heard(call);
  }

  static const char* outcome_of(const test::ProviderCall& call) {
    using Kind = test::Answer::Kind;
    if (call.replay) return "the refresh token is spent";
    if (!call.outcome) return "given up";
    switch (*call.outcome) {
      case Kind::token:
        return "token";
      case Kind::transient:
        return "failure";
      case Kind::permanent:
        return "refusal";
      case Kind::lost:
        return "answer lost";
      case Kind::state_only:
        return "no token";
      case Kind::unread:
        return "unreadable";
      case Kind::hang:
      case Kind::defect:
      case Kind::hostile:  // it was one of the others to who read it
        break;
    }
    return "nothing";
  }

  void published(std::size_t host) {
    const agent::Record& record = *fleet_.segments[host].record;
    const std::string value(record.value.reveal());
    invariants_.published(host);
    world_.note(host_name(host), "shows " + value + ", generation " + std::to_string(record.generation) + ", for " +
                                     seconds_text(record.expires_at - fleet_.clock_of(host).wall_now()));
  }

  Outcome outcome() {
    outcome_.violation = world_.violation;
    outcome_.virtual_time = world_.since_start();
    outcome_.calls = fleet_.provider.calls + more_tokens_.calls();
    for (std::size_t i = 0; i < plan_.servers; ++i) outcome_.commands += fleet_.server(i).commands();
    outcome_.turns = invariants_.turns();
    outcome_.most = invariants_.most();
    world_.timeline.mix(std::to_string(outcome_.commands) + " " + std::to_string(outcome_.turns));
    world_.timeline.mix(more_tokens_.hashes());
    outcome_.hash = world_.timeline.hash();
    outcome_.timeline.assign(world_.timeline.lines().begin(), world_.timeline.lines().end());
    return outcome_;
  }

  const Plan& plan_;
  const Observation& observation_;
  Outcome outcome_;
  test::VirtualFleet fleet_;
  World world_;
  FaultEffects effects_;
  FailpointKills kills_;
  Invariants invariants_;
  MoreTokens more_tokens_;
  TokenUsers users_;
  LockUsers locks_;
  std::size_t lacks_ = 0;  // a host
};

}  // namespace

test::FleetSettings fleet_of(const Plan& plan) {
  test::FleetSettings settings{
      .agents = plan.hosts, .servers = plan.servers, .refresh = plan.refresh, .budget = plan.budget};
  settings.revokes = plan.revokes;
  settings.lock_ttl = plan.lock_ttl;
  settings.fetch_alone = plan.fetch_alone;
  settings.seed = plan.seed;
  settings.real_segments = plan.real_segments;
  if (plan.rotates) {
    agent::OAuth2SourceConfig source;
    source.grant = agent::OAuth2SourceConfig::Grant::refresh_token;
    settings.source = source;
  }
  return settings;
}

void prepare_provider(World& world) {
  test::ModelProvider& provider = world.fleet.provider;
  provider.lifetime = world.plan.lifetime;
  provider.answer_time = world.plan.answer_time;
  provider.rotates = world.plan.rotates;
}

bool all_have_the_token(const test::VirtualFleet& fleet) {
  const auto& segments = fleet.segments;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (!has_a_token(fleet, i) || segments[i].record->value != segments[0].record->value) return false;
  }
  return true;
}

Outcome simulate(const Plan& plan, const Observation& observation) { return Run(plan, observation).run(); }

// A pause that a failure in the last moment brought, then the lock of an agent that crashed, then an attempt behind the
// next look at the store, by a host whose connection for messages is dead; if the budget is spent, the rest of its
// window comes first. A store whose clock was set back keeps everything for as much longer, and its agents with it,
// also when another such store heard it from them.
Duration recovery_bound(const Plan& plan) {
  const agent::RefreshConfig& config = plan.refresh;
  const Duration longest_pause = std::max({config.retry_max, config.retry_permanent, config.retry_after_max});
  // A minute until a PING, its timeout, and the next connection (subscriber.hpp). While a message holds a host back, it
  // looks after 30 s and a fifth (store_repair.cpp).
  const Duration next_look = seconds(63);
  const Duration budget = plan.budget.calls > 0 ? Duration(plan.budget.per) : Duration{0};
  const auto clock_errors = std::count_if(plan.faults.begin(), plan.faults.end(),
                                          [](const Fault& fault) { return fault.kind == FaultKind::server_clock; });
  const Duration clock_error = clock_errors * largest_clock_error;
  return clock_error + budget + longest_pause + 2 * plan.lock_ttl + next_look + config.min_interval + seconds(5);
}

}  // namespace jeton::sim
