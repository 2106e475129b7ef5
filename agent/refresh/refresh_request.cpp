#include "agent/refresh/refresh_request.hpp"

#include <algorithm>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {

void RefreshRequest::make(Reason reason, const std::optional<Record>& current, Duration patience) {
  const Duration drawn = std::chrono::duration_cast<Duration>(spread * random_.uniform());
  const WallTime wall = clock_.wall_now();
  const BootTime now = clock_.boot_now();
  BootTime due = now + std::max(drawn, patience);
  std::string held_by = patience > drawn ? "the host that reported the rejection fetches first" : "";
  if (current) {
    // The coordinator minds min_interval too, as long as it remembers the last fetch; there is no need to try before.
    const BootTime issued_at = now - (wall - current->issued_at);
    const auto hold_until = [&](BootTime until, std::string why) {
      if (until <= due) return;
      due = until;
      held_by = std::move(why);
    };
    hold_until(issued_at + config_.min_interval, "min_interval");
    if (reason == Reason::rejected) {
      hold_until(issued_at + rejection_delay(current->rejections, config_),
                 "the provider rejected " + std::to_string(current->rejections + 1) + " tokens in a row");
    }
  }
  consent_ = consent_ || reason == Reason::asked;
  const Generation generation = current ? current->generation : 0;
  if (is_open(generation)) {
    if (due < due_) held_by_ = std::move(held_by);
    due_ = std::min(due_, due);
    if (reason == Reason::rejected) reason_ = reason;
    asked_ = asked_ || reason == Reason::asked;
    return;
  }
  made_ = true;
  asked_ = reason == Reason::asked;
  reason_ = reason;
  replaces_ = generation;
  rejections_ = current ? next_rejections(*current, wall, config_) : 0;
  due_ = due;
  held_by_ = std::move(held_by);
}

std::uint32_t next_rejections(const Record& rejected, WallTime refused_at, const RefreshConfig& config) {
  // If the provider returned the same token again after its rejection, no time of it counts as service.
  const bool served = rejected.first_generation == 0 || rejected.rejections == 0;
  if (served && refused_at - rejected.issued_at > config.retry_max) return 1;
  return std::min<std::uint32_t>(rejected.rejections, 1000) + 1;
}

Rejections::Rejections(const TokenConfig& config, const Clock& clock, FleetSignals& signals, CurrentToken& current,
                       const RefreshRequest& request, RefreshJournal& journal)
    : config_(config), clock_(clock), signals_(signals), current_(current), request_(request), journal_(journal) {}

void Rejections::report() {
  if (is_noted()) return;
  note();
  to_announce_ = current_.generation();
}

bool Rejections::hear(Generation generation) {
  if (generation != current_.generation() || !current_.record() || is_noted()) return false;
  note();
  return true;
}

// The provider may give the rejected token again. It stays marked then, and the next report is one of that answer.
bool Rejections::is_noted() const { return current_.rejected() && request_.is_rejection(current_.generation()); }

void Rejections::note() {
  const std::uint32_t in_a_row = next_rejections(*current_.record(), clock_.wall_now(), config_.refresh);
  journal_.rejected(current_.token_generation(), in_a_row);
  mark();
}

void Rejections::mark() {
  try {
    current_.mark_rejected();
  } catch (const std::exception& e) {
    journal_.segment_failed(e);
  }
}

std::uint32_t Rejections::count_with(const Record& fetched, bool rejected) const {
  if (!current_.record()) return 0;
  const Record& before = *current_.record();
  if (rejected) return request_.rejections();
  const bool given_again = fetched.value == before.value && current_.rejected();
  return given_again ? next_rejections(before, clock_.wall_now(), config_.refresh) : 0;
}

Task<> Rejections::announce() {
  const Generation generation = std::exchange(to_announce_, 0);
  try {
    co_await signals_.announce_rejection(config_.name, generation);
  } catch (const TransportError& e) {
    log::debug("a rejection cannot be announced to the fleet", {{"token", config_.name}, {"error", e.what()}});
  }
}

}  // namespace jeton::agent
