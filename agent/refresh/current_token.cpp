#include "agent/refresh/current_token.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

// Two hosts that measured a clock offset a little differently still mean the same moment.
constexpr Milliseconds same_moment = std::chrono::milliseconds(250);

bool differs(WallTime a, WallTime b) { return std::chrono::abs(a - b) > same_moment; }

}  // namespace

CurrentToken::CurrentToken(const TokenConfig& config, TokenStore& store, Timers& timers, Random& random,
                           Timers::Callback on_expiry)
    : config_(config), store_(store), timers_(timers), random_(random), on_expiry_(std::move(on_expiry)) {}

CurrentToken::~CurrentToken() {
  timers_.cancel(expiry_timer_);
  timers_.cancel(overlap_timer_);
}

void CurrentToken::adopt() {
  if (auto adopted = store_.adopted()) {
    record_ = std::move(*adopted);
    shown_ = record_->generation;
    schedule_ = make_schedule(record_->issued_at, record_->expires_at, config_.refresh, random_);
    watch();
  }
}

bool CurrentToken::accept(Record record) {
  if (record.generation < generation()) return false;
  const bool newer = record.generation > generation();
  // The segment of an earlier run holds no state.
  if (!newer && record_->state.empty()) record_->state = record.state;
  if (!newer && !differs(record.expires_at, record_->expires_at)) return true;

  const bool same_token = record_ && !record_->blank() && record.value == record_->value;
  record_ = std::move(record);
  // A fleet that lost the record may know the token by an older generation than this host's readers do.
  if (record_->token_generation() < shown_) record_->first_generation = same_token ? shown_ : 0;
  // One draw a generation: a corrected expiry moves the refresh, it does not throw the dice again.
  const Schedule drawn = make_schedule(record_->issued_at, record_->expires_at, config_.refresh, random_);
  const Milliseconds kept_delay = newer ? drawn.spread_delay : std::min(schedule_.spread_delay, drawn.spread);
  schedule_ = drawn;
  schedule_.spread_delay = kept_delay;
  schedule_.refresh_at = record_->expires_at - schedule_.grace - kept_delay;
  watch();
  show();
  return true;
}

void CurrentToken::show() {
  if (record_->blank()) return;
  Record shown = *record_;
  shown.generation = record_->token_generation();
  shown_ = std::max(shown_, shown.generation);
  store_.publish(shown, timers_.clock().wall_now());
}

void CurrentToken::reschedule() {
  if (record_) watch();
}

bool CurrentToken::valid() const { return record_ && record_->valid_at(timers_.clock().wall_now()); }

std::optional<BootTime> CurrentToken::refresh_due() const {
  if (!valid()) return std::nullopt;
  return boot_time_of(schedule_.refresh_at, timers_.clock());
}

Record CurrentToken::successor(FetchedToken fetched, Generation generation, const std::string& host) const {
  Record next;
  next.generation = generation;
  next.value = std::move(fetched.value);
  next.type = std::move(fetched.type);
  next.attributes = std::move(fetched.attributes);
  next.state = std::move(fetched.state);
  next.issued_at = fetched.issued_at;
  next.expires_at = fetched.expires_at;
  next.fetched_by = host;
  const WallTime now = timers_.clock().wall_now();
  if (!valid()) return next;
  if (next.value == record_->value) {
    next.first_generation = record_->token_generation();
    next.previous = record_->previous;
  } else if (config_.refresh.overlap > Milliseconds{0}) {
    next.previous = PreviousToken{record_->value, record_->token_generation(),
                                  std::min(record_->expires_at, now + config_.refresh.overlap), record_->expires_at};
  }
  return next;
}

void CurrentToken::describe(TokenStatus& status) const {
  if (!record_ || record_->blank()) return;
  status.state = valid() ? TokenState::valid : TokenState::expired;
  status.rejected = rejected();
  status.rejections = record_->rejections;
  status.generation = record_->token_generation();
  status.fingerprint = record_->value.fingerprint();
  status.type = record_->type;
  status.attributes = record_->attributes;
  status.issued_at = record_->issued_at;
  status.expires_at = record_->expires_at;
  status.fetched_by = record_->fetched_by;
  status.grace = schedule_.grace;
  status.spread = schedule_.spread;
  status.spread_delay = schedule_.spread_delay;
  status.refresh_at = schedule_.refresh_at;
  if (record_->previous) {
    status.previous_generation = record_->previous->generation;
    status.previous_accept_until = record_->previous->accept_until;
  }
}

void CurrentToken::watch() {
  if (record_->blank()) return;
  watch_moment(expiry_timer_, record_->expires_at, [this] { expire(); });
  if (record_->previous) {
    watch_moment(overlap_timer_, record_->previous->accept_until, [this] { end_overlap(); });
  } else {
    timers_.cancel(overlap_timer_);
  }
}

void CurrentToken::watch_moment(Timers::Id& timer, WallTime moment, Timers::Callback callback) {
  timers_.cancel(timer);
  timer = timers_.schedule(boot_time_of(moment, timers_.clock()), std::move(callback));
}

void CurrentToken::expire() {
  if (valid()) {  // the timer's rounding, or a step of the clock that is not yet announced
    watch();
    return;
  }
  store_.mark_expired();
  log::warning("token expired before it could be refreshed; readers get 'expired' until a new one is fetched",
               {{"token", config_.name}, {"generation", record_->token_generation()}});
  on_expiry_();
}

void CurrentToken::end_overlap() {
  if (!record_->previous || timers_.clock().wall_now() < record_->previous->accept_until) return;
  record_->previous.reset();
  try {
    show();
  } catch (const Error& e) {
    log::error("cannot take the previous token out of the segment", {{"token", config_.name}, {"error", e.what()}});
  }
}

}  // namespace jeton::agent
