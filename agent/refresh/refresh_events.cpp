// RefreshLoop besides the loop: how its parts are connected, what it hears from the fleet, what this host asks of it,
// and its status.
#include "agent/base/log.hpp"
#include "agent/refresh/refresh_loop.hpp"

namespace jeton::agent {
namespace {

// With another host, which heard of a rejection from a user.
constexpr Duration rejection_patience = std::chrono::seconds(2);

// Never with a refresh token: one on two hosts is a theft to the provider.
bool may_fetch_standalone(const TokenConfig& config, const RefreshLoop::Parts& parts) {
  return parts.standalone != nullptr && !keeps_state(config.source);
}

}  // namespace

RefreshLoop::RefreshLoop(TokenConfig config, Milliseconds lock_ttl, Parts parts)
    : config_(std::move(config)),
      parts_(std::move(parts)),
      wake_(parts_.timers),
      journal_(config_, parts_.source, clock(), parts_.changed, parts_.host, {parts_.tally, parts_.history}),
      current_(config_, parts_.store, parts_.timers, parts_.random, [this] { became_due(); }),
      request_(config_.refresh, clock(), parts_.random),
      fleet_(config_, lock_ttl, clock(), parts_.random, current_, may_fetch_standalone(config_, parts_)),
      outage_(clock(), parts_.random, journal_),
      standalone_(make_standalone(lock_ttl)),
      timing_(config_, {clock(), parts_.random, current_, request_, fleet_, outage_, standalone_.get(), parts_.tokens}),
      pauses_(config_, {clock(), parts_.random, parts_.coordinator, standalone_.get(), parts_.source, current_, fleet_,
                        outage_, journal_, wake_}),
      repair_(config_, {clock(), parts_.random, parts_.coordinator, parts_.coordinator, parts_.coordinator, current_,
                        fleet_, pauses_, outage_, journal_, wake_, [this](Record r) { take_stored(std::move(r)); }}),
      state_(parts_.keeper, current_, clock(), journal_),
      rejections_(config_, clock(), parts_.coordinator, current_, request_, journal_),
      fleet_fetch_(config_, lock_ttl,
                   {parts_.timers, parts_.coordinator, parts_.coordinator, parts_.coordinator, parts_.coordinator,
                    current_, timing_, fleet_, pauses_, repair_, outage_, journal_,
                    [this](Record r) { take(std::move(r)); }, [this](Record r) { take_stored(std::move(r)); }}),
      refresh_(config_, {parts_.timers, parts_.source, parts_.host, current_, timing_, request_, rejections_, fleet_,
                         pauses_, state_, journal_}) {}

RefreshLoop::~RefreshLoop() { parts_.coordinator.subscribe(config_.name, nullptr); }

std::unique_ptr<StandaloneFetch> RefreshLoop::make_standalone(Milliseconds lock_ttl) {
  if (!may_fetch_standalone(config_, parts_)) return nullptr;
  Coordinator& own = *parts_.standalone;
  return std::make_unique<StandaloneFetch>(config_, lock_ttl, parts_.fetch_alone,
                                           StandaloneFetch::Parts{clock(), own, own, own, own, current_, outage_,
                                                                  journal_, [this](Record r) { take(std::move(r)); },
                                                                  [this](const Pause& p) { pauses_.begin_own(p); }});
}

RefreshLoop::Legacy RefreshLoop::legacy() const {
  return {request_.is_asked(current_.generation()), request_.has_consent(), fleet_.counted(), pauses_.legacy(),
          current_.segment_is_behind()};
}

// A refresh that an operator requested before a pause began does not end it; a request unlike the refused one does.
void RefreshLoop::inherit() {
  const Legacy& legacy = parts_.legacy;
  if (legacy.segment_is_behind) current_.reschedule();
  pauses_.inherit(legacy.pauses);
  repair_.inherit(legacy.counted);
  if (legacy.refresh_is_asked) request(RefreshRequest::Reason::asked);
  if (!legacy.has_consent) static_cast<void>(request_.take_consent(current_.generation()));
}

// Of the fleet.
void RefreshLoop::hear(FleetEvent event) {
  std::visit([this](auto& one) { on(std::move(one)); }, event);
}

// A record that is known already comes from another host that repaired the store.
void RefreshLoop::on(Record record) {
  if (record.generation == current_.generation()) repair_.cancel_repair();
  take_stored(std::move(record));
}

void RefreshLoop::on(ClaimEvent claim) {
  fleet_.hear_claim(claim.until);
  wake_.notify();
}

void RefreshLoop::on(ReleaseEvent) {
  fleet_.end_claim();
  wake_.notify();
}

void RefreshLoop::on(FetchUsage usage) {
  fleet_.note_heard_usage(usage);
  wake_.notify();
}

void RefreshLoop::on(GapEvent) {
  log::debug("messages of the fleet may have been missed; reading the record", {{"token", config_.name}});
  fleet_.mark_claim_unconfirmed();
  repair_.reload_soon();
}

void RefreshLoop::on(LossEvent) {
  log::debug("the coordinator may have lost the record; a host of the fleet repairs it", {{"token", config_.name}});
  fleet_.mark_claim_unconfirmed();
  repair_.hear_loss();
}

// The host that heard it from a user fetches; this host does so only if nothing comes of it.
void RefreshLoop::on(RejectionEvent rejection) {
  const bool is_new = rejections_.hear(rejection.generation);
  if (!is_new) return;
  request(RefreshRequest::Reason::rejected,
          rejection_patience + draw_suppressed_delay(rejection_patience, parts_.random));
}

// Of this host.
RefreshAnswer RefreshLoop::rejected(Generation generation) {
  const bool known = generation <= current_.token_generation() && generation != 0;
  const bool superseded = generation < current_.token_generation();
  if (known && !superseded) {
    rejections_.report();
    request(RefreshRequest::Reason::rejected);
  }
  RefreshAnswer result = answer();
  result.superseded = superseded;
  result.known = known || superseded;
  return result;
}

RefreshAnswer RefreshLoop::refresh_now() {
  journal_.refresh_asked();
  pauses_.lift(ResumeReason::operator_asked);
  request(RefreshRequest::Reason::asked);
  return answer();
}

// A pause was for what the source was then.
void RefreshLoop::source_changed() {
  journal_.source_changed();
  if (fleet_.is_paused()) pauses_.lift(ResumeReason::request_differs);
  request(RefreshRequest::Reason::source_changed);
}

// A pause because of the token that was refused is looked at now, not at the next poll.
void RefreshLoop::prerequisite_renewed() {
  pauses_.check_correction_soon();
  wake_.notify();
}

// 8. All schedules are computed again, and the record is read with the backend's time.
void RefreshLoop::clock_stepped() {
  current_.reschedule();
  repair_.reload_soon();
}

void RefreshLoop::request(RefreshRequest::Reason reason, Duration patience) {
  request_.make(reason, current_.record(), patience);
  wake_.notify();
  parts_.changed.notify();
}

// A valid token was lost or won: until_due() computes its deadlines again.
void RefreshLoop::became_due() {
  timing_.draw_cold_start_delay();
  wake_.notify();
  parts_.changed.notify();
}

std::optional<SecretString> RefreshLoop::value() const {
  return current_.valid() ? std::optional(current_.record()->value) : std::nullopt;
}

TokenStatus RefreshLoop::status() const {
  TokenStatus status = journal_.status();
  status.name = config_.name;
  status.source = parts_.source.describe();
  status.host_only = config_.scope == Scope::host;
  current_.describe(status);
  fleet_.describe(status);
  return status;
}

}  // namespace jeton::agent
