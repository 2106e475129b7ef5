// RefreshLoop: what it hears, from the fleet and from the users of this host; it only notes things and wakes the steps.
#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/refresh/refresh_loop.hpp"

namespace jeton::agent {
namespace {

using std::chrono::milliseconds;

constexpr Duration demand_spread = milliseconds(5);  // hosts that heard of a rejection at once; the user waits
constexpr Duration rejection_patience = std::chrono::seconds(2);  // with another host that was told of it
constexpr Duration repair_spread = milliseconds(250);

}  // namespace

void RefreshLoop::clock_stepped() {
  current_.reschedule();
  reload_wanted_ = true;
  wake_.notify();
}

// A record that is known already was given back by another host.
void RefreshLoop::on_record(Record record) {
  if (record.generation == current_.generation() && !knows_more_than_the_record()) repair_at_ = BootTime::max();
  take_stored(std::move(record));
}

void RefreshLoop::on_claim(BootTime until) {
  if (journal_.status().holds_lock) return;
  hold_for_claim(until);
  wake_.notify();
}

void RefreshLoop::on_release() {
  holds_.end_claim();
  wake_.notify();
}

// Another agent's failure is the fleet's: the next backoff of this agent goes on from there.
void RefreshLoop::on_pause(Pause pause) {
  const BootTime before = holds_.paused_until();
  hold_for_pause(pause);
  if (holds_.paused_until() > before) fetch_backoff_.count_failure();
}

// Whoever lifted the pause will send another request; that does not make ours better.
void RefreshLoop::on_resume() {
  const std::string request = request_now();
  if (!request.empty() && (request == failed_request_ || request == holds_.pause_request())) return;
  end_pause();
  wake_.notify();
  parts_.changed.notify();
}

void RefreshLoop::on_gap() {
  reload_wanted_ = true;
  wake_.notify();
}

// The delay is drawn like that of a refresh: whoever gives the record back first spares the others the same.
void RefreshLoop::on_lost() {
  const BootTime drawn = now() + draw_suppressed_delay(repair_spread, parts_.random);
  repair_at_ = std::min(repair_at_, drawn);
  wake_.notify();
}

DemandAnswer RefreshLoop::rejected(Generation generation) {
  if (generation < current_.token_generation()) {
    DemandAnswer newer = demand_answer();
    newer.superseded = true;
    return newer;
  }
  if (generation > current_.token_generation() || generation == 0) {
    DemandAnswer unknown = demand_answer();
    unknown.known = false;
    return unknown;
  }
  if (!rejection_is_noted()) {
    note_rejection();
    announce_rejected_ = current_.generation();
  }
  demand(Demand::Reason::rejected);
  return demand_answer();
}

// The provider may give the refused token again. It stays marked then, and the next report is one of that answer.
bool RefreshLoop::rejection_is_noted() const {
  return current_.rejected() && demand_.is_rejection(current_.generation());
}

void RefreshLoop::note_rejection() {
  const WallTime refused_at = parts_.timers.clock().wall_now();
  const std::uint32_t in_a_row = next_rejections(*current_.record(), refused_at, config_.refresh);
  journal_.rejected(current_.token_generation(), in_a_row);
  mark_rejected();
}

std::uint32_t RefreshLoop::rejections_of(const Record& fetched, bool rejected) const {
  if (!current_.record()) return 0;
  const Record& before = *current_.record();
  if (rejected) return next_rejections(before, demand_.made_at(), config_.refresh);
  // Given again by schedule it is as refused as it was.
  return fetched.value == before.value && current_.rejected() ? before.rejections : 0;
}

void RefreshLoop::mark_rejected() {
  try {
    current_.mark_rejected();
  } catch (const Error& e) {
    journal_.segment_failed(e);
  }
}

// Whoever was told by a user fetches; this host does so only if nothing comes of it.
void RefreshLoop::on_rejected(Generation generation) {
  if (generation != current_.generation() || !current_.record() || rejection_is_noted()) return;
  note_rejection();
  demand(Demand::Reason::rejected, rejection_patience + draw_suppressed_delay(rejection_patience, parts_.random));
}

// A pause because of the token that was refused is looked at now, not at the next poll.
void RefreshLoop::prerequisite_renewed() {
  if (mend_check_at_ != BootTime::max()) mend_check_at_ = now();
  wake_.notify();
}

DemandAnswer RefreshLoop::refresh_now() {
  journal_.refresh_asked();
  // The fleet may hold a pause that this host has not heard of.
  lift_reason_ = holds_.paused_until() > now() ? "an operator asked for a new token" : "";
  lift_at_ = now();
  end_pause();
  by_operator_ = true;
  demand(Demand::Reason::asked);
  return demand_answer();
}

// A pause was for what the source was then.
void RefreshLoop::source_changed() {
  journal_.source_changed();
  if (holds_.paused_until() > now()) {
    lift_at_ = now();
    lift_reason_ = "the source has changed";
    end_pause();
  }
  demand(Demand::Reason::source_changed);
}

void RefreshLoop::demand(Demand::Reason reason, Duration patience) {
  const Duration drawn = std::chrono::duration_cast<Duration>(demand_spread * parts_.random.uniform());
  const WallTime wall = parts_.timers.clock().wall_now();
  BootTime due = now() + std::max(drawn, patience);
  std::string held_by = patience > drawn ? "another host was told of it and is to fetch" : "";
  if (current_.record()) {
    // The coordinator minds min_interval too, as long as it remembers the last fetch; there is no need to try before.
    const Record& record = *current_.record();
    const BootTime issued_at = now() - (wall - record.issued_at);
    const auto hold_until = [&](BootTime until, std::string why) {
      if (until <= due) return;
      due = until;
      held_by = std::move(why);
    };
    hold_until(issued_at + config_.refresh.min_interval, "min_interval");
    if (reason == Demand::Reason::rejected) {
      hold_until(issued_at + rejection_delay(record.rejections, config_.refresh),
                 "the provider rejected " + std::to_string(record.rejections + 1) + " tokens in a row");
    }
  }
  demand_.make(reason, current_.generation(), wall, due, std::move(held_by));
  wake_.notify();
  parts_.changed.notify();
}

std::string RefreshLoop::reason_of_hold(BootTime until) const {
  if (until == holds_.claimed_until()) return "another agent is fetching";
  if (until == holds_.unreachable_until()) return "the coordinator cannot be reached";
  if (until == holds_.paused_until()) return "paused: " + journal_.status().pause_reason;
  if (until == budget_spent_until()) return "budget";
  return demand_.held_by();
}

DemandAnswer RefreshLoop::demand_answer() const {
  DemandAnswer answer;
  answer.generation = current_.token_generation();
  const BootTime due = std::max(due_at(), budget_spent_until());
  const Duration left = std::max(due - now(), Duration{0});
  answer.due = parts_.timers.clock().wall_now() + to_ms(left);
  if (left > demand_spread) {
    answer.held_by = reason_of_hold(due);
  } else if (const std::string missing = missing_prerequisite(); !missing.empty()) {
    answer.held_by = "the token " + missing + ", which the source uses, is not valid";
  }
  return answer;
}

}  // namespace jeton::agent
