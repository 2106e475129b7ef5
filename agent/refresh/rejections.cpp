#include "agent/refresh/rejections.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {

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
  // Given again by schedule it is as rejected as it was.
  return fetched.value == before.value && current_.rejected() ? before.rejections : 0;
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
