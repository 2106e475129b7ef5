#include "tests/sim/need_invariants.hpp"

#include <algorithm>
#include <utility>

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using Outcomes = test::Answer::Kind;

}  // namespace

void NeedInvariants::heard(const test::ProviderCall& call) {
  Fleet& fleet = fleets_[world_.fleet_of(number_of(call.host))];
  if (call.ended_at) {
    ended(fleet, call);
  } else {
    began(fleet, call);
  }
}

void NeedInvariants::published(std::size_t host) {
  appeared_at_.emplace(world_.fleet.segments[host].record->value.reveal(), world_.now());
}

// README.md: "jeton fetches each token once for the whole fleet, before the old one expires". systemd/README.md: a
// restart "adopts the tokens in shared memory and fetches nothing"; of lost data: "Nothing is fetched for it".
void NeedInvariants::began(Fleet& fleet, const test::ProviderCall& call) {
  const std::size_t host = number_of(call.host);
  check_once(fleet, call.host);
  check_by_segment(host);
  if (world_.plan.backend == Backend::redis && !world_.may_fetch_alone(world_.now())) check_by_store(host);
  fleet.calling = call.host;
}

void NeedInvariants::ended(Fleet& fleet, const test::ProviderCall& call) {
  fleet.calling.reset();
  if (call.outcome != Outcomes::token) return;
  fleet.token = Latest{call.value, call.valid_until};
  appeared_at_.emplace(call.value, world_.now());  // the host has it now, also if its segment cannot show it yet
}

// The same sentence, exactly: where nothing fails a token costs one call, and the next call is for the next token. That
// there is a next one in time is Invariant::token_is_there.
void NeedInvariants::check_once(const Fleet& fleet, const std::string& host) {
  if (!world_.plan.faults.empty()) return;
  if (fleet.calling) {
    world_.fail(Invariant::one_fetch_a_lifetime, host + " calls while " + *fleet.calling + " does");
    return;
  }
  if (!fleet.token) return;
  const Duration left = fleet.token->end - world_.now();
  if (left <= earliest_before_end(world_.plan.lifetime)) return;
  world_.fail(Invariant::one_fetch_a_lifetime, host + " calls although " + fleet.token->value +
                                                   " was fetched, which is valid for " + seconds_text(left));
}

// So long before its end a token is due at the earliest (schedule.cpp).
agent::Milliseconds NeedInvariants::earliest_before_end(Milliseconds lifetime) const {
  const agent::RefreshConfig& config = world_.plan.refresh;
  const Milliseconds grace = std::min(config.grace.value_or(lifetime / 5), lifetime / 2);
  const Milliseconds spread = std::min({Milliseconds(10'000), grace / 4, lifetime / 4});
  return grace + spread + milliseconds(500);
}

bool NeedInvariants::wanted_since(const std::string& value) const {
  const auto appeared = appeared_at_.find(value);
  if (!world_.refresh_wanted_at) return false;
  return appeared == appeared_at_.end() || *world_.refresh_wanted_at >= appeared->second;
}

void NeedInvariants::check_by_segment(std::size_t host) {
  const test::ModelSegment& segment = world_.fleet.segments[host];
  const agent::Clock& clock = world_.fleet.clock_of(host);
  if (!segment.record || segment.rejected || !segment.record->valid(clock)) return;
  const Duration left = segment.record->expires_at - clock.wall_now();
  const Milliseconds named = segment.record->expires_at - segment.record->issued_at;  // by the provider
  const Milliseconds lifetime = std::max(world_.plan.lifetime, named);
  if (left <= earliest_before_end(lifetime) || wanted_since(std::string(segment.record->value.reveal()))) return;
  // A host whose clock was wrong when it read a date took the lifetime, of which the grace is a share, for another one.
  if (world_.plan.misreads_dates() || !world_.disturbances.calm(Invariant::no_needless_fetch, world_.now())) return;
  world_.fail(Invariant::no_needless_fetch,
              host_name(host) + " calls although its token is valid for " + seconds_text(left));
}

void NeedInvariants::key_changed(std::size_t server, const std::string& key) {
  if (server != 0 || key != world_.fleet.key("token")) return;
  const bool lost = std::exchange(losses_, world_.losses[0]) != world_.losses[0];
  if (world_.fleet.server(0).field(key, "expires_at_ms").empty()) {
    stored_since_.reset();
  } else if (lost || !stored_since_) {
    stored_since_ = world_.now();
  }
}

// The lock's reply brings the stored record: another host may have been faster. A call that was admitted before a lost
// record was given back is on its way.
void NeedInvariants::check_by_store(std::size_t host) {
  if (stored_since_ && world_.now() - *stored_since_ < way_of_a_call) return;
  const test::MemoryServer& server = world_.fleet.server(0);
  const std::string end = server.field(world_.fleet.key("token"), "expires_at_ms");
  if (end.empty() || !world_.disturbances.calm(Invariant::no_needless_fetch, world_.now())) return;
  // Somebody's wall clock, or the provider's, by which a lifetime was another one.
  const bool wall_is_wrong =
      world_.plan.has_one_of({FaultKind::wall_step, FaultKind::server_clock, FaultKind::provider_clock});
  // The clocks of the host and of the store are wrong by less.
  const bool drifts = world_.plan.has_one_of({FaultKind::drift, FaultKind::server_drift});
  const Milliseconds early = earliest_before_end(world_.plan.lifetime) + milliseconds(drifts ? 1000 : 0);
  const Duration left =
      agent::from_unix_ms(static_cast<std::int64_t>(std::stod(end))) - world_.fleet.loop.clock.wall_now();
  // agent/README.md, data loss: a token that was given again keeps its first end where its newer record was lost.
  const bool was_given_again = world_.plan.has(FaultKind::same_token) && world_.losses[0] > 0;
  if (wall_is_wrong || was_given_again || left <= early || world_.refresh_wanted_at) return;
  world_.fail(Invariant::no_needless_fetch,
              host_name(host) + " calls although the store has a token that is valid for " + seconds_text(left));
}

}  // namespace jeton::sim
