#include "agent/refresh/outage.hpp"

#include <algorithm>

namespace jeton::agent {
namespace {

constexpr BackoffLimits reach_limits{std::chrono::milliseconds(250), std::chrono::seconds(2),
                                     std::chrono::milliseconds(50)};

}  // namespace

Outage::Outage(const Clock& clock, Random& random, RefreshJournal& journal)
    : clock_(clock), journal_(journal), backoff_(reach_limits, random) {}

void Outage::answered(Step step) {
  if (!since_ || step < failing_step_) return;
  since_.reset();
  backoff_.reset();
  journal_.coordinator_answered();
}

void Outage::failed(Step step, const std::string& doing, const TransportError& failure) {
  const bool begins = !since_;
  if (begins) since_ = clock_.boot_now();
  failing_step_ = begins ? step : std::max(failing_step_, step);
  retry_at_ = clock_.boot_now() + backoff_.next();
  journal_.coordinator_failed(doing, failure, begins);
}

}  // namespace jeton::agent
