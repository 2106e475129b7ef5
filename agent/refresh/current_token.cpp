#include "agent/refresh/current_token.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/record/record.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

// Two hosts that measured a clock offset a little differently still mean the same moment.
constexpr Milliseconds same_moment = std::chrono::milliseconds(250);

constexpr Duration retry_pause = std::chrono::seconds(5);  // of the segment

bool differs(WallTime a, WallTime b) { return std::chrono::abs(a - b) > same_moment; }

}  // namespace

CurrentToken::CurrentToken(const TokenConfig& config, TokenStore& store, Timers& timers, Random& random,
                           Timers::Callback on_expiry)
    : config_(config), store_(store), timers_(timers), random_(random), on_expiry_(std::move(on_expiry)) {}

CurrentToken::~CurrentToken() {
  timers_.cancel(expiry_timer_);
  timers_.cancel(overlap_timer_);
  timers_.cancel(retry_timer_);
}

void CurrentToken::adopt() {
  auto adopted = store_.adopted();
  if (!adopted) return;
  const WallTime expires_at = adopted->expires_at;
  const BootTime expires_boot = adopted->expires_boot;
  record_ = std::move(*adopted);
  dated_by_ = expires_boot == no_boot_end ? wall_offset()
                                          : to_ms(expires_at.time_since_epoch() - expires_boot.time_since_epoch());
  shown_ = store_.generation();
  if (store_.rejected()) rejected_ = shown_;
  bind(*record_);
  draw_schedule();
  watch();
  const bool is_shown = shown_ >= record_->token_generation();  // what the loop before this one knew may be newer
  if (!is_shown || differs(record_->expires_at, expires_at) || expires_boot == no_boot_end) rewrite();
}

bool CurrentToken::accept(Record record) {
  if (record.generation < generation()) return false;
  const bool newer = record.generation > generation();
  // Neither the segment of an earlier run nor the files of the local coordinator hold a state.
  if (!newer && record_->state.empty()) record_->state = record.state;
  if (!newer && record.state.empty()) record.state = record_->state;
  bind(record);
  if (!newer && !differs(record.expires_at, record_->expires_at)) return true;

  const bool same_token = record_ && !record_->blank() && record.value == record_->value;
  if (!same_token) dated_by_ = wall_offset();
  record_ = std::move(record);
  // A fleet that lost the record may know the token by an older generation than this host's readers do.
  if (record_->token_generation() < shown_) record_->first_generation = same_token ? shown_ : 0;
  if (newer) {
    draw_schedule();
  } else {
    correct_schedule();
  }
  watch();
  show();
  return true;
}

Milliseconds CurrentToken::wall_offset() const {
  const Clock& clock = timers_.clock();
  return to_ms(clock.wall_now().time_since_epoch() - clock.boot_now().time_since_epoch());
}

void CurrentToken::draw_schedule() {
  schedule_ = make_schedule(record_->issued_at, record_->expires_at, config_.refresh, random_);
  hasten_given_again();
}

// One draw a generation: a corrected expiry moves the refresh, it does not throw the dice again.
void CurrentToken::correct_schedule() {
  const Milliseconds drawn = schedule_.spread_delay;
  schedule_ = make_schedule(record_->issued_at, record_->expires_at, config_.refresh, random_);
  schedule_.spread_delay = std::min(drawn, schedule_.spread);
  schedule_.refresh_at = record_->expires_at - schedule_.grace - schedule_.spread_delay;
  hasten_given_again();
}

void CurrentToken::hasten_given_again() {
  const bool given_again = record_->token_generation() == rejected_ && record_->rejections > 0;
  if (given_again) hasten(schedule_, record_->issued_at, record_->rejections, config_.refresh);
}

void CurrentToken::show() {
  if (record_->blank()) return;
  Record shown = *record_;
  shown.generation = record_->token_generation();
  shown_ = std::max(shown_, shown.generation);
  timers_.cancel(retry_timer_);
  segment_is_behind_ = true;
  try {
    store_.publish(shown, timers_.clock().wall_now());
    if (rejected()) store_.mark_rejected();
    segment_is_behind_ = false;
  } catch (...) {
    watch_moment(retry_timer_, timers_.clock().boot_now() + retry_pause, [this] { show_again(); });
    throw;
  }
}

// The first failure was logged where it happened.
void CurrentToken::show_again() {
  try {
    show();
    log::info(log::segment_written, "the segment has the token now", {{"token", config_.name}, {"generation", shown_}});
  } catch (const std::exception&) {
  }
}

void CurrentToken::mark_rejected() {
  rejected_ = shown_;
  if (store_.generation() == shown_) store_.mark_rejected();
}

void CurrentToken::reschedule() {
  if (!record_) return;
  bind(*record_);
  correct_schedule();
  watch();
  rewrite();
}

void CurrentToken::bind(Record& record) const {
  const bool is_known = record_ && record_->generation == record.generation;
  bind_to_boot_clock(record, is_known ? &*record_ : nullptr, timers_.clock());
}

bool CurrentToken::valid() const { return record_ && record_->valid(timers_.clock()); }

std::optional<BootTime> CurrentToken::refresh_due() const {
  if (!valid()) return std::nullopt;
  return boot_time_of(schedule_.refresh_at, timers_.clock());
}

Generation CurrentToken::own_generation(std::uint64_t fence) const {
  constexpr double span = 1e5;  // microseconds, as of a fence: less than the time of a fetch
  return std::max<Generation>(fence, generation() + 1) + static_cast<std::uint64_t>(random_.uniform() * span);
}

Record CurrentToken::successor(FetchedToken fetched, BootTime asked_at, Generation generation, const std::string& host,
                               bool revokes) const {
  Record next;
  next.generation = generation;
  next.value = std::move(fetched.value);
  next.type = std::move(fetched.type);
  next.attributes = std::move(fetched.attributes);
  next.state = std::move(fetched.state);
  next.issued_at = fetched.issued_at;
  next.expires_at = fetched.expires_at;
  next.fetched_by = host;
  // A lifetime counts by the boot clock: the host may have been stopped, and its wall clock stepped, since the source
  // dated the token. Only an end that the provider named as a date follows the wall clock.
  const Clock& clock = timers_.clock();
  const Milliseconds lifetime =
      std::clamp<Milliseconds>(next.expires_at - next.issued_at, Milliseconds{0}, max_lifetime);
  next.expires_boot = asked_at + lifetime;
  if (fetched.dated_end) next.expires_boot = std::min(next.expires_boot, boot_time_of(*fetched.dated_end, clock));
  const Milliseconds behind = wall_time_of(next.expires_boot, clock) - next.expires_at;
  if (behind > same_moment) shift_times(next, behind);
  // A token that is given again, such as one in a file, has the same end as before the clock was set back.
  const bool given_again = record_ && !record_->blank() && next.value == record_->value;
  if (given_again && fetched.dated_end) {
    const Milliseconds set_back = std::max(dated_by_ - wall_offset(), Milliseconds{0});
    if (set_back > same_moment)
      next.expires_boot = std::min(next.expires_boot, boot_time_of(*fetched.dated_end, clock) - set_back);
  }
  bind(next);
  const WallTime now = clock.wall_now();
  // A record that is newer than the lease came during the fetch: the one of this fetch will be refused.
  if (!valid() || record_->generation >= generation) return next;
  if (next.value == record_->value) {
    next.first_generation = record_->token_generation();
    next.previous = record_->previous;
  } else if (revokes || config_.refresh.overlap > Milliseconds{0}) {
    next.previous = PreviousToken{record_->value, record_->token_generation(),
                                  std::min(record_->expires_at, now + config_.refresh.overlap), record_->expires_at,
                                  std::min(record_->expires_boot, clock.boot_now() + config_.refresh.overlap)};
  }
  return next;
}

Record CurrentToken::with_state(const SecretString& state, Generation generation, const std::string& host) const {
  Record record;
  if (record_) {
    record = *record_;
    record.first_generation = record.token_generation();
  } else {
    record.value = SecretString("none");
    record.issued_at = timers_.clock().wall_now();
    record.expires_at = record.issued_at;
  }
  record.generation = generation;
  record.state = state;
  record.state_only = true;
  record.fetched_by = host;
  return record;
}

// Two hosts may date the same issue a little differently, as they measured the clock of their coordinator. An agent of
// an earlier version does not write what the record is for.
bool CurrentToken::only_carries_state(const Record& record) const {
  if (record.blank()) return true;
  return record_ && record_->value == record.value && (record.state_only || record_->issued_at == record.issued_at);
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
  const Clock& clock = timers_.clock();
  const BootTime end = std::min(boot_time_of(record_->expires_at, clock), record_->expires_boot);
  watch_moment(expiry_timer_, end, [this] { expire(); });
  if (const auto& previous = record_->previous) {
    const BootTime end_of_overlap = std::min(boot_time_of(previous->accept_until, clock), previous->accept_until_boot);
    watch_moment(overlap_timer_, end_of_overlap, [this] { end_overlap(); });
  } else {
    timers_.cancel(overlap_timer_);
  }
}

void CurrentToken::watch_moment(Timers::Id& timer, BootTime moment, Timers::Callback callback) {
  timers_.cancel(timer);
  timer = timers_.schedule(moment, std::move(callback));
}

void CurrentToken::expire() {
  if (valid()) {  // the timer's rounding, or a step of the clock that is not yet announced
    watch();
    return;
  }
  store_.mark_expired();
  log::warning(log::token_expired,
               "token expired before it could be refreshed; readers get 'expired' until a new one is fetched",
               {{"token", config_.name}, {"generation", record_->token_generation()}});
  on_expiry_();
}

// 7. From here on the source may revoke the previous token (revoker.hpp).
void CurrentToken::end_overlap() {
  if (!record_->previous || record_->previous->acceptable(timers_.clock())) return;
  record_->previous.reset();
  rewrite();
}

// The same generation with other times, or without its previous token.
void CurrentToken::rewrite() {
  try {
    show();
  } catch (const std::exception& e) {
    log::error(log::segment_failed, "cannot correct the token in the segment",
               {{"token", config_.name}, {"error", e.what()}});
  }
}

}  // namespace jeton::agent
