#include "agent/refresh/store_repair.hpp"

#include <algorithm>
#include <utility>

#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration quiet_poll = minutes(5);      // the coordinator reports a loss
constexpr Duration doubtful_poll = seconds(30);  // it does not, or something is known from a message only
constexpr Duration waiting_poll = seconds(1);    // another host fetches
constexpr Duration repair_spread = std::chrono::milliseconds(250);
constexpr Duration others_patience = seconds(1);  // with a host that may repair what this one cannot

// A loss so soon after a repair: the store may not keep what it is given, because it has no memory left for example.
constexpr Duration unproven = seconds(3);
constexpr int soon_repairs = 5;  // behind each other, before the delay of a repair doubles, up to half a minute
constexpr int most_doublings = 7;

}  // namespace

StoreRepair::StoreRepair(const TokenConfig& config, Parts parts) : config_(config), parts_(std::move(parts)) {}

void StoreRepair::reload_soon() {
  reload_wanted_ = true;
  parts_.wake.notify();
}

void StoreRepair::hear_loss() {
  if (repair_at_ == BootTime::max()) unkept_ = now() < repaired_at_ + unproven ? unkept_ + 1 : 0;
  const int doublings = std::clamp(unkept_ - soon_repairs, 0, most_doublings);
  const Duration spread = repair_spread * (1 << doublings);
  const Duration least = doublings > 0 ? spread / 2 : Duration{0};
  const BootTime drawn = now() + least + draw_suppressed_delay(spread, parts_.random);
  repair_at_ = std::min(repair_at_, drawn);
  parts_.wake.notify();
}

void StoreRepair::inherit(const FetchUsage& counted) {
  if (counted.calls > 0) note_usage(counted);
  if (counted.calls > 0 || parts_.pauses.confirmed()) may_be_lost_ = true;
}

// This host may be the only one that knows the rest of the lost data.
void StoreRepair::cancel_repair() {
  repaired_at_ = now();
  if (!parts_.fleet.counts_calls() && !parts_.pauses.confirmed()) repair_at_ = BootTime::max();
}

BootTime StoreRepair::moment_in(Duration interval) const {
  return now() + interval + std::chrono::duration_cast<Duration>(interval * 0.2 * parts_.random.uniform());
}

bool StoreRepair::is_doubtful() const {
  return may_be_lost_ || parts_.fleet.relies_on_messages() || !parts_.signals.reports_losses(config_.name);
}

// A claim that the next record settles needs no check, so a rotation costs the store nothing.
BootTime StoreRepair::reload_at() {
  if (reload_wanted_) return {};
  if (!is_doubtful()) {
    check_at_ = BootTime::max();
  } else if (check_at_ == BootTime::max()) {
    check_at_ = moment_in(doubtful_poll);
  }
  return next_look();
}

// At the start, after messages may have been missed, and now and then in case one was.
Task<> StoreRepair::reload() {
  // Both before the look, not after it: a message about a loss may come in while the answers do. A look that fails does
  // not settle it.
  if (std::exchange(reload_wanted_, false)) may_be_lost_ = true;
  if (std::exchange(repair_at_, BootTime::max()) != BootTime::max()) may_be_lost_ = true;
  const bool waiting = parts_.fleet.claimed_until() > now();
  const bool doubtful = is_doubtful();
  next_look_ = moment_in(waiting ? waiting_poll : quiet_poll);
  check_at_ = BootTime::max();
  // A message may bring a newer record before this answer, which is then older and not a loss.
  const Generation known = parts_.current.generation();
  try {
    auto published = co_await parts_.records.load(config_.name);
    const Generation theirs = published ? published->generation : 0;
    if (published) parts_.take_stored(std::move(*published));
    parts_.outage.answered(Outage::Step::load);
    // A store that lost data gets the newest record again, by the host of the fleet that draws the shortest delay.
    if (theirs < known && can_restore_record()) hear_loss();
    // A store that lost the record lost the count too: it gets this host's, so do not read its own.
    const bool lost = repair_at_ != BootTime::max();
    // Nor does a host of a sealed fleet hear the count of the call that brought the present record.
    const bool count_changed = doubtful || parts_.current.generation() != counted_for_;
    const bool counts = config_.budget.calls > 0 && count_changed;
    bool settled = true;
    if (!lost && (counts || parts_.fleet.is_paused())) settled = co_await ask_usage();
    if (settled) may_be_lost_ = false;
  } catch (const TransportError& e) {
    parts_.outage.failed(Outage::Step::load, "load the published token", e);
    // Behind the moment at which a refresh that is due may be tried: no maintenance may starve it.
    next_look_ = parts_.outage.retry_at() + waiting_poll;
  }
}

// A message that comes while the answer is awaited may be newer than the answer, which must not undo it. As with all
// that only a message says, a look settles it soon. False: there was no answer.
Task<bool> StoreRepair::ask_usage() {
  const BootTime asked_at = now();
  FetchUsage usage;
  try {
    usage = co_await parts_.budget.usage(config_.name);
  } catch (const TransportError& e) {
    log::debug("the count of fetches cannot be read", {{"token", config_.name}, {"error", e.what()}});
    co_return false;
  }
  const FetchUsage& known = parts_.fleet.counted();
  if (may_be_lost_ && usage.calls < known.calls && known.window_end > now()) {
    hear_loss();  // the store has forgotten it
    co_return true;
  }
  counted_for_ = parts_.current.generation();
  parts_.fleet.note_usage(usage, asked_at);
  if (parts_.pauses.heard_at() > asked_at) co_return !parts_.pauses.confirmed();  // whether that one is lost is open
  const bool is_unreported = parts_.pauses.confirmed() && !parts_.signals.reports_losses(config_.name);
  const bool pause_is_lost = parts_.pauses.check(usage, may_be_lost_ || is_unreported);
  if (!pause_is_lost) co_return true;
  if (parts_.pauses.confirmed()) hear_loss();
  check_at_ = now() + others_patience;
  co_return true;
}

// The counts come before the record, so that no host is admitted without them, and once more behind it: should all be
// lost again meanwhile, a later look would find nothing missing.
Task<> StoreRepair::repair() {
  repair_at_ = BootTime::max();
  try {
    co_await restore_counts();
    if (can_restore_record()) {
      co_await restore_record();
      co_await restore_counts();
    }
    parts_.outage.answered(Outage::Step::maintenance);
    repaired_at_ = now();
  } catch (const TransportError& e) {
    parts_.outage.failed(Outage::Step::maintenance, "repair the data that the coordinator lost", e);
    // Behind the moment at which a refresh that is due may be tried: no maintenance may starve it.
    repair_at_ = parts_.outage.retry_at() + waiting_poll;
  }
}

// Neither lowers a value that the coordinator has. A pause that was lifted while this host could not hear it is none.
Task<> StoreRepair::restore_counts() {
  if (parts_.fleet.counts_calls()) {
    const FetchUsage known = parts_.fleet.counted();
    co_await parts_.budget.restore_usage(config_.name, known, parts_.fleet.limits(true));
  }
  if (!parts_.pauses.confirmed()) co_return;
  const FetchUsage usage = co_await parts_.budget.usage(config_.name);
  parts_.pauses.check_resumed(usage);
  const bool is_left_over = usage.paused && usage.resumed;  // on a server that was away when it was lifted
  if (is_left_over) co_return;
  std::optional<Pause> pause = parts_.pauses.confirmed();
  if (pause) co_await parts_.signals.pause(config_.name, std::move(*pause));
}

Task<> StoreRepair::restore_record() {
  const Record record = *parts_.current.record();
  const bool was_stored = record.generation <= in_store_;  // this publication may be heard before its answer
  const Lease no_lease;  // named: GCC 12 destroys an aggregate temporary inside co_await twice
  const PublishResult result = co_await parts_.records.publish(config_.name, record, no_lease);
  parts_.outage.answered(result.stored && !result.current ? Outage::Step::publish : Outage::Step::maintenance);
  if (result.current) {
    parts_.take_stored(*result.current);
  } else if (result.stored) {
    parts_.journal.repaired(record, was_stored);
    note_stored(record.generation);
  }
}

// A token worth having or a state that outlives it, but not a record out of a segment, which lacks its state.
bool StoreRepair::can_restore_record() const {
  const std::optional<Record>& record = parts_.current.record();
  if (!record) return false;
  return keeps_state(config_.source) ? !record->state.empty() : parts_.current.valid();
}

}  // namespace jeton::agent
