#include "agent/refresh/refresh_loop.hpp"

#include <algorithm>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

using std::chrono::seconds;

constexpr Duration prerequisite_poll = seconds(1);   // of another token; it also wakes us when it is renewed
constexpr Duration rejection_patience = seconds(2);  // with another host, which heard of it from a user

// Never with a refresh token: one on two hosts is a theft to the provider.
bool may_fetch_standalone(const TokenConfig& config, const RefreshLoop::Parts& parts) {
  return parts.standalone != nullptr && !keeps_state(config.source);
}

}  // namespace

RefreshLoop::RefreshLoop(TokenConfig config, Milliseconds lock_ttl, Parts parts)
    : config_(std::move(config)),
      parts_(std::move(parts)),
      wake_(parts_.timers),
      journal_(config_, parts_.source, clock(), parts_.changed, parts_.host),
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

// 1. to 5. The numbers are those of agent/README.md; 6. is in pause_policy.cpp, 7. in current_token.cpp and
// revoker.cpp.
Task<> RefreshLoop::run() {
  co_await start();
  for (;;) {
    co_await until_due();
    journal_.phase(RefreshPhase::acquiring);
    FetchPath& path = now() >= timing_.standalone_at() ? static_cast<FetchPath&>(*standalone_) : fleet_fetch_;
    std::optional<Lease> lease = co_await path.try_lock();      // 4. One host wins the lock
    if (lease) co_await refresh_.run(path, std::move(*lease));  // and fetches; 5. the others wait for its record
  }
}

// 1. A valid token is served at once: that of the segment of an earlier run, then that of the published record.
// Subscribing comes before loading, so that nothing published in between is missed.
Task<> RefreshLoop::start() {
  current_.adopt();
  if (current_.record()) {
    if (!current_.record()->blank()) journal_.adopted(*current_.record());
    if (parts_.on_current) parts_.on_current(*current_.record());
  }
  std::optional<Record> kept = state_.load();
  if (kept) take(std::move(*kept));
  if (current_.record()) state_.keep(*current_.record());  // the loop before this one may not have been able to
  // The agent before us heard of a rejection and did not live to replace the token.
  if (current_.rejected()) request(RefreshRequest::Reason::rejected);
  if (parts_.refresh_is_asked) static_cast<void>(refresh_now());
  became_due();
  parts_.coordinator.configure(config_.name, {config_.lock, config_.mirror_key});
  parts_.coordinator.subscribe(config_.name, this);
  parts_.source.on_change([this] { source_changed(); });
  co_await repair_.reload();
  if (current_.rejected()) request(RefreshRequest::Reason::rejected);  // also as it was published since
}

// 2. and 3. One wait for everything: the schedule with its spread, claims and pauses of others, maintenance. Whatever
// arrives meanwhile changes the state and wakes us; the deadlines are computed again each time.
Task<> RefreshLoop::until_due() {
  for (;;) {
    // No maintenance comes before a token that runs out: each piece may wait for its timeout, and fail again and again.
    if (now() >= timing_.standalone_at() && timing_.missing_prerequisite().empty()) co_return;
    const bool maintained = co_await maintain();
    if (maintained) continue;
    BootTime due = std::min(timing_.due_at(), timing_.standalone_at());
    if (now() >= due) {
      const std::string missing = timing_.missing_prerequisite();
      journal_.waits_for(missing);
      if (missing.empty()) co_return;
      due = now() + prerequisite_poll;
    }
    journal_.phase(timing_.phase());
    const BootTime maintenance =
        std::min({repair_.reload_at(), repair_.repair_at(), pauses_.correction_check_at(), pauses_.lift_at()});
    co_await wake_.wait_until(std::min(due, maintenance));
  }
}

// One piece of maintenance that is due. False: there is none.
Task<bool> RefreshLoop::maintain() {
  const BootTime present = now();
  if (present >= repair_.reload_at()) {
    co_await repair_.reload();
  } else if (present >= repair_.repair_at()) {
    co_await repair_.repair();
  } else if (present >= pauses_.lift_at()) {
    co_await pauses_.lift_in_fleet();
  } else if (present >= pauses_.correction_check_at()) {
    co_await pauses_.resume_if_corrected();
  } else if (rejections_.is_to_announce()) {
    co_await rejections_.announce();
  } else {
    co_return false;
  }
  co_return true;
}

// The one place where a record becomes current: fetched here, published by another host, read from the coordinator, or
// kept on this host. A newer record settles every claim of before; one that is known, those that only a message made.
void RefreshLoop::take(Record record) {
  const Generation before = current_.generation();
  const Generation offered = record.generation;
  // Also of one that is known: what the segment of an earlier run lacks is in the published record.
  if (parts_.on_current && offered >= before) parts_.on_current(record);
  // Neither a new state without a token nor the token that was rejected is a success.
  const bool same_token = current_.record() && current_.record()->value == record.value;
  const bool state_only = current_.only_carries_state(record);
  const bool success = record.valid(clock()) && !state_only;
  const bool rejected_again = same_token && current_.rejected();
  try {
    const bool accepted = current_.accept(std::move(record));
    wipe_registers();
    if (!accepted) {
      journal_.record_older(offered);
      return;
    }
  } catch (const std::exception& e) {
    journal_.segment_failed(e);
  }
  state_.keep(*current_.record());
  fleet_.end_heard_claim();
  if (current_.generation() == before) return;
  fleet_.end_claim();
  if (state_only) request_.follow(before, current_.generation());
  repair_.cancel_repair();
  pauses_.end_by_record(success);
  if (current_.record()->fetched_by != parts_.host) outage_.other_host_published();
  if (success && !rejected_again) journal_.renewed(*current_.record());
  if (success && rejected_again) journal_.given_again(*current_.record());
  if (rejected_again) rejections_.mark();
  became_due();
}

// One that the coordinator has.
void RefreshLoop::take_stored(Record record) {
  repair_.note_stored(record.generation);
  take(std::move(record));
}

// Of the fleet.
void RefreshLoop::hear(FleetEvent event) {
  std::visit([this](auto& one) { on(std::move(one)); }, event);
}

// One that is known already was given back by another host.
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
  journal_.usage(fleet_.heard());
}

void RefreshLoop::on(GapEvent) {
  journal_.gap();
  fleet_.doubt_claim();
  repair_.reload_soon();
}

void RefreshLoop::on(LossEvent) {
  journal_.loss();
  fleet_.doubt_claim();
  repair_.hear_loss();
}

// The host that heard it from a user fetches; this host does so only if nothing comes of it.
void RefreshLoop::on(RejectionEvent rejection) {
  const bool is_news = rejections_.hear(rejection.generation);
  if (!is_news) return;
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
  pauses_.lift("an operator asked for a new token");
  request(RefreshRequest::Reason::asked);
  return answer();
}

// A pause was for what the source was then.
void RefreshLoop::source_changed() {
  journal_.source_changed();
  if (fleet_.is_paused()) pauses_.lift("the source has changed");
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
  current_.describe(status);
  fleet_.describe(status);
  return status;
}

}  // namespace jeton::agent
