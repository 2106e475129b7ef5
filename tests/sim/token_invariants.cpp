#include "tests/sim/token_invariants.hpp"

#include <algorithm>

namespace jeton::sim {
namespace {

// Clocks are measured to some milliseconds, and an end is moved only if it differs by more (current_token.cpp). A clock
// that drifts reaches the end of a lifetime so much later.
Duration tolerance(const Plan& plan) {
  const bool drifts = plan.has_one_of({FaultKind::drift, FaultKind::server_drift});
  return std::chrono::milliseconds(300) + (drifts ? plan.lifetime / 100 : Milliseconds{0});
}

// Hosts, with each token.
constexpr std::size_t small_fleet = 16;
constexpr Duration time_between_walks = std::chrono::seconds(1);

// After the end of a window the token is fetched: by an attempt for the lock, and a call.
constexpr Duration fetch_after_window = std::chrono::seconds(5);

const agent::Record* readable(const test::ModelSegment& segment, const agent::Clock& clock) {
  if (!segment.record || segment.expired || !segment.record->valid(clock)) return nullptr;
  return &*segment.record;
}

// systemd/README.md, "Redis": "These keys are in Redis, each with an expiry".
bool is_documented(const std::string& key, const Plan& plan) {
  for (const char* known : {"", ":fence", ":info"}) {
    if (key == std::string("jeton:lock:{job}") + known) return true;
  }
  const auto brace = key.find('}');
  if (!key.starts_with("jeton:{") || brace == std::string::npos) return false;
  const std::string rest = key.substr(brace + 1);
  const std::string name = key.substr(7, brace - 7);
  for (const char* known : {":updater", ":token", ":fence", ":pause", ":resume", ":budget"}) {
    if (rest == known) return plan.has_token(name.substr(0, name.rfind("~revocation")));
  }
  return false;
}

}  // namespace

TokenInvariants::TokenInvariants(World& world)
    : world_(world), segments_(world.plan.hosts), servers_(world.plan.servers) {}

void TokenInvariants::heard(const test::ProviderCall& call) {
  if (!call.ended_at) calls_[world_.fleet_of(number_of(call.host))].push_back(call.asked_at);
  if (call.value.empty()) return;
  BootTime& end = ends_[call.value];
  end = std::max(end, call.valid_until);
}

// agent/README.md, "Why the fence holds": "no host goes back, whatever the order of messages"; glossary: "generation:
// the fence of the lease under which a token was fetched; only a new token has a new one".
void TokenInvariants::published(std::size_t host) {
  const agent::Record& record = *world_.fleet.segments[host].record;
  const std::string value(record.value.reveal());
  const auto [known, is_new] = values_.emplace(std::pair(world_.fleet_of(host), record.generation), value);
  if (!is_new && known->second != value) {
    world_.fail(Invariant::one_token_a_generation, host_name(host) + " has " + value + " as generation " +
                                                       std::to_string(record.generation) + ", which was " +
                                                       known->second);
  }
  const auto end = ends_.find(value);
  segments_[host].end = end == ends_.end() ? BootTime::max() : end->second;
  look(host);
}

// "`publish` stores only a higher one."
void TokenInvariants::key_changed(std::size_t server, const std::string& key) {
  if (key != world_.fleet.key("token")) return;
  Seen& seen = servers_[server];
  const std::string text = world_.fleet.server(server).field(key, "generation");
  const agent::Generation generation = text.empty() ? 0 : std::stoull(text);
  const bool lost = std::exchange(seen.life, world_.losses[server]) != seen.life;
  if (generation != 0 && !lost && generation < seen.generation) {
    world_.fail(Invariant::server_goes_forward, server_name(server) + " went from generation " +
                                                    std::to_string(seen.generation) + " to " +
                                                    std::to_string(generation));
  }
  seen.generation = generation;
}

void TokenInvariants::each_turn() {
  const bool is_small = world_.plan.hosts * world_.plan.tokens <= small_fleet;
  if (!is_small && world_.now() < next_look_) return;
  next_look_ = world_.now() + time_between_walks;
  for (std::size_t host = 0; host < segments_.size(); ++host) look(host);
}

void TokenInvariants::look(std::size_t host) {
  const test::ModelSegment& segment = world_.fleet.segments[host];
  Seen& seen = segments_[host];
  const bool lost = std::exchange(seen.life, world_.boots[host]) != seen.life;
  if (!lost && segment.generation() < seen.generation) {
    world_.fail(Invariant::segment_goes_forward, host_name(host) + " went from generation " +
                                                     std::to_string(seen.generation) + " to " +
                                                     std::to_string(segment.generation()));
  }
  seen.generation = segment.generation();
  look_at_file(host);
  // Of most looks this is all: no token is shown past an end that has not come, and with faults none is promised.
  if (world_.now() <= seen.end && !world_.plan.faults.empty()) return;
  const agent::Record* record = readable(segment, world_.fleet.clock_of(host));
  if (record != nullptr) look_at_end(host, *record);
  look_for_token(host, record != nullptr);
}

// systemd/README.md, "agent killed while writing": "the next agent adopts the segment". The production segment must
// hold what the agent before gave to it. libclient/README.md: "The library libjeton reads tokens from shared memory",
// and must find there what the agent has published.
void TokenInvariants::look_at_file(std::size_t host) {
  const test::ModelSegment& segment = world_.fleet.segments[host];
  if (!segment.difference.empty()) {
    world_.fail(Invariant::segment_is_adopted,
                host_name(host) + " adopted a segment with another content: " + segment.difference);
  }
  if (!segment.misread.empty()) {
    world_.fail(Invariant::segment_is_read,
                "a reader of " + host_name(host) + " finds other than the agent published: " + segment.misread);
  }
}

// systemd/README.md, "wall clock stepped": "the same token, for no longer than its lifetime". A date is judged by the
// host's clock, so a wrong clock makes it another moment.
void TokenInvariants::look_at_end(std::size_t host, const agent::Record& record) {
  const BootTime end = segments_[host].end;
  if (world_.now() - tolerance(world_.plan) <= end) return;
  if (world_.plan.misreads_dates() ||
      !world_.disturbances.calm(Invariant::token_ends, world_.now() - world_.plan.lifetime))
    return;
  world_.fail(Invariant::token_ends, host_name(host) + " shows " + std::string(record.value.reveal()) + " as valid " +
                                         seconds_text(world_.now() - end) + " after its end");
}

// README.md: "jeton fetches each token once for the whole fleet, before the old one expires". So without faults a host
// that has had a token always has a valid one, unless "the budget is spent: the same token, until it expires"
// (systemd/README.md).
void TokenInvariants::look_for_token(std::size_t host, bool has_one) {
  bool& had_token = segments_[host].had_token;
  had_token = had_token || has_one;
  if (has_one || !had_token || !world_.fleet.runs(host)) return;
  if (!world_.plan.faults.empty() || budget_may_be_spent(host)) return;
  world_.fail(Invariant::token_is_there, host_name(host) + " has no valid token any more");
}

// "no host fetches until the window ends": one that began within its length, and has as many calls as the schedule may
// make. config/agent.yaml: `reserve` of them are kept for refreshes on request, of which a calm fleet has none.
bool TokenInvariants::budget_may_be_spent(std::size_t host) const {
  const agent::BudgetConfig& budget = world_.plan.budget;
  const auto calls = calls_.find(world_.fleet_of(host));
  if (budget.calls == 0 || calls == calls_.end()) return false;
  const BootTime from = world_.now() - budget.per - world_.plan.refresh.min_interval - fetch_after_window;
  const auto& moments = calls->second;
  const auto recent = moments.end() - std::lower_bound(moments.begin(), moments.end(), from);
  return static_cast<std::uint64_t>(recent) >= budget.calls - budget.reserve;
}

// "each with an expiry", and a lock that nobody holds is given back.
void TokenInvariants::nothing_is_left() {
  for (std::size_t server = 0; server < servers_.size(); ++server) {
    for (const auto& [key, left] : world_.fleet.server(server).keys()) {
      const std::string where = server_name(server) + " has " + key;
      // The lock of a revocation which the stop interrupted ends by itself, and so does that of a crashed host, later
      // if the server's clock was set back.
      const bool may_last = world_.plan.has(FaultKind::server_clock) || key != world_.fleet.key("updater");
      if (key.ends_with(":updater") && !may_last)
        world_.fail(Invariant::nothing_left, where + ", although no agent runs");
      if (!is_documented(key, world_.plan)) world_.fail(Invariant::nothing_left, where + ", which no page lists");
      if (!left) world_.fail(Invariant::nothing_left, where + " without an expiry");
    }
  }
}

}  // namespace jeton::sim
