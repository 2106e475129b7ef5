#include "agent/refresh/pause_policy.hpp"

#include <algorithm>
#include <utility>

namespace jeton::agent {
namespace {

using std::chrono::seconds;

constexpr Duration correction_poll = seconds(5);  // of a secret that a pause waits for
constexpr Duration lift_retry = seconds(1);
// No coordinator keeps a pause for longer.
constexpr Duration until_a_person_acts = std::chrono::hours(24 * 7);

const char* text_of(ResumeReason reason) {
  return reason == ResumeReason::operator_asked ? "an operator asked for a new token"
                                                : "the request or the source has changed";
}

}  // namespace

PausePolicy::PausePolicy(const TokenConfig& config, Parts parts)
    : config_(config),
      parts_(parts),
      backoff_({config.refresh.retry_initial, config.refresh.retry_max, config.refresh.retry_initial / 4},
               parts.random) {}

PausePolicy::Legacy PausePolicy::legacy() const {
  Legacy legacy;
  legacy.confirmed = confirmed();
  legacy.confirmed_at = confirmed_at_;
  if (outlasts_resume_ && parts_.fleet.is_paused()) legacy.outlasting = held();
  if (unshared_until_ > now()) legacy.own = Pause{unshared_until_, held().reason, held().request};
  if (is_lifting()) legacy.lifting = lift_reason_;
  legacy.lifts_in_files = parts_.standalone != nullptr && parts_.standalone->is_lift_wanted();
  legacy.failed_request = failed_request_;
  return legacy;
}

void PausePolicy::inherit(const Legacy& legacy) {
  failed_request_ = legacy.failed_request;
  if (legacy.lifts_in_files && parts_.standalone != nullptr) parts_.standalone->lift_later();
  if (legacy.confirmed) begin_confirmed(*legacy.confirmed, legacy.confirmed_at);
  if (legacy.own) begin_own(*legacy.own);
  if (legacy.outlasting) {
    hold(*legacy.outlasting);
    outlasts_resume_ = true;
    resume_heard_at_ = now();
  }
  if (!legacy.lifting) return;
  if (!legacy.own) return lift(*legacy.lifting);
  // The provider asked this host for its pause after that lift: only the fleet's is lifted.
  lift_reason_ = *legacy.lifting;
  lift_at_ = now();
}

// 6. The current token stays readable; the fleet does not call the provider.
Task<> PausePolicy::begin(const SourceError& failure, FetchPath& path) {
  const bool permanent = failure.kind() == SourceError::Kind::permanent;
  const Duration length = length_after(failure);
  parts_.journal.fetch_failed(failure, length);
  // A host that would send another request need not wait for the end of a long pause.
  const bool is_long = permanent || length > config_.refresh.retry_max;
  failed_request_ = is_long ? failure.request() : std::string{};
  const Pause pause{now() + length, failure.what(), failed_request_};
  begin_own(pause);
  // What waits to be lifted on this host is older than this pause.
  if (std::exchange(lift_here_, false) && parts_.standalone != nullptr) co_await parts_.standalone->lift_pause();
  resume_heard_.reset();
  const BootTime asked_at = now();
  const bool shared = co_await path.share_pause(pause);
  const bool ended = unshared_until_ == BootTime{};  // by an operator or a newer record, meanwhile
  if (!shared || ended) co_return;
  unshared_until_ = {};
  confirmed_ = pause;
  confirmed_at_ = asked_at;
  lift_at_ = BootTime::max();  // what waits to be lifted is older than this pause
  if (resume_heard_) hear_resume(*resume_heard_);
}

Duration PausePolicy::length_after(const SourceError& failure) {
  Duration pause = backoff_.next();
  // Only a person can help: another request would end the chain of refresh tokens.
  if (failure.spent()) return until_a_person_acts;
  if (failure.kind() == SourceError::Kind::permanent) pause = config_.refresh.retry_permanent;
  if (!failure.retry_after()) return pause;
  std::optional<Milliseconds> left;
  if (parts_.current.record()) left = parts_.current.record()->expires_at - parts_.clock.wall_now();
  const Milliseconds asked = to_ms(*failure.retry_after());
  return std::max<Duration>(pause, obeyed_retry_after(asked, left, parts_.current.grace(), config_.refresh));
}

void PausePolicy::begin_confirmed(const Pause& pause, BootTime asked_at) {
  confirmed_ = pause;
  confirmed_at_ = asked_at;
  hold_since(pause, asked_at);
}

void PausePolicy::begin_own(const Pause& pause) {
  unshared_until_ = std::max(unshared_until_, pause.until);
  hold(pause);
}

void PausePolicy::hold(const Pause& pause) { hold_since(pause, now()); }

void PausePolicy::hold_since(const Pause& pause, BootTime known_at) {
  const bool is_new = parts_.fleet.pause(pause);
  if (!is_new) return;
  held_at_ = known_at;
  outlasts_resume_ = false;
  correction_check_at_ = pause.request.empty() ? BootTime::max() : now();
  parts_.journal.paused(pause);
  parts_.wake.notify();
}

void PausePolicy::hear(const Pause& pause) {
  heard_at_ = now();
  const BootTime before = parts_.fleet.paused_until();
  hold(pause);
  if (parts_.fleet.paused_until() > before) backoff_.count_failure();
}

// The coordinator has no pause any more, so this host does not write it back after a data loss, also if it obeys it.
void PausePolicy::hear_resume(ResumeReason reason) {
  resume_heard_ = reason;
  resume_heard_at_ = now();
  confirmed_.reset();
  if (unshared_until_ > now()) return;
  const std::string request = own_request();
  if (!request.empty() && (request == failed_request_ || request == parts_.fleet.pause_request())) {
    // If an operator asked, the next look ends it: until then the host that was asked goes first, with the consent.
    outlasts_resume_ = reason == ResumeReason::request_differs && request == failed_request_;
    return;
  }
  end();
  parts_.wake.notify();
  parts_.journal.pause_changed();
}

void PausePolicy::end() {
  parts_.fleet.end_pause();
  outlasts_resume_ = false;
  confirmed_.reset();
  unshared_until_ = {};
  correction_check_at_ = BootTime::max();
}

void PausePolicy::end_by_record(bool success) {
  end();
  failed_request_.clear();
  if (parts_.standalone != nullptr) parts_.standalone->lift_later();
  if (success) backoff_.reset();
}

// The lift of a pause that is older than what this host knows says nothing. If it is older only than what a message
// said since, the message was about another pause: that of the coordinator has ended.
void PausePolicy::check_resumed(const FetchUsage& usage) {
  if (!parts_.fleet.is_paused() || !usage.resumed) return;
  const BootTime lifted_at = usage.resumed->at;
  if (lifted_at > confirmed_at_) confirmed_.reset();
  const BootTime known_at = std::max({held_at_, heard_at_, resume_heard_at_, confirmed_at_});
  if (lifted_at > known_at) hear_resume(usage.resumed->reason);
}

// A pause that this host heard of may have ended: an operator may have lifted it since, or another client may have made
// it up. One that is lost is written back by a host that had it from the coordinator; the others wait for that.
bool PausePolicy::check(const FetchUsage& usage, bool may_be_lost) {
  check_resumed(usage);
  const BudgetConfig& budget = config_.budget;
  const bool by_schedule = parts_.fleet.spent_until() > now();
  const std::uint64_t allowed = by_schedule ? budget.calls - budget.reserve : budget.calls;
  const bool spent = allowed > 0 && usage.calls >= allowed;
  const bool paused = parts_.fleet.is_paused();
  if (!by_schedule && !paused) return false;
  if (usage.paused) return may_be_lost && usage.partly_paused && confirmed();
  const bool obeyed_anyway = unshared_until_ > now() || (paused && outlasts_resume_);
  if (obeyed_anyway) return false;
  if (may_be_lost && paused && (confirmed() || !spent)) return true;
  if (spent) return false;
  end();
  parts_.journal.resumed("the coordinator knows of no pause");
  return false;
}

void PausePolicy::lift(ResumeReason reason) {
  if (!is_lifting() || reason == ResumeReason::operator_asked) lift_reason_ = reason;
  // The fleet may hold a pause that this host has not heard of.
  lift_is_news_ = parts_.fleet.is_paused();
  lift_at_ = now();
  lift_here_ = true;
  end();
}

void PausePolicy::check_correction_soon() {
  if (correction_check_at_ != BootTime::max()) correction_check_at_ = now();
}

Task<> PausePolicy::lift_in_fleet() {
  lift_at_ = BootTime::max();
  lifting_ = true;
  if (std::exchange(lift_here_, false)) {
    end();
    failed_request_.clear();
    if (parts_.standalone != nullptr) co_await parts_.standalone->lift_pause();
  } else if (unshared_until_ <= now()) {
    end();  // but not the pause that the provider asked this host for since then
  }
  try {
    co_await parts_.signals.resume(config_.name, lift_reason_);
    parts_.outage.answered(Outage::Step::maintenance);
    if (lift_is_news_) parts_.journal.resumed(text_of(lift_reason_));
  } catch (const TransportError& e) {
    parts_.outage.failed(Outage::Step::maintenance, "lift the pause", e);
    // Behind the moment at which a refresh that is due may be tried: no maintenance may starve it.
    lift_at_ = parts_.outage.retry_at() + lift_retry;
  }
  lifting_ = false;
}

// A request that failed from here is not tried again for that.
Task<> PausePolicy::resume_if_corrected() {
  correction_check_at_ = parts_.fleet.is_paused() ? now() + correction_poll : BootTime::max();
  const std::string request = own_request();
  if (request.empty() || request == parts_.fleet.pause_request() || request == failed_request_) co_return;
  lift(ResumeReason::request_differs);
  parts_.journal.pause_changed();
  co_await lift_in_fleet();
}

std::optional<Pause> PausePolicy::confirmed() const {
  return confirmed_ && confirmed_->until > now() ? confirmed_ : std::nullopt;
}

Pause PausePolicy::held() const {
  return {parts_.fleet.paused_until(), parts_.fleet.pause_reason(), parts_.fleet.pause_request()};
}

std::string PausePolicy::own_request() const {
  const std::optional<Record>& record = parts_.current.record();
  return request_with(parts_.source.fingerprint(), record ? record->state : SecretString{});
}

std::string request_with(std::string request, const SecretString& state) {
  if (request.empty() || state.empty()) return request;
  return request + "+" + state.fingerprint();
}

}  // namespace jeton::agent
