#include "agent/fleet/redis/server_clock.hpp"

#include <algorithm>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

constexpr int samples_per_measurement = 3;
constexpr Duration measure_retry = std::chrono::seconds(1);
constexpr Duration short_trip = std::chrono::milliseconds(10);

struct Measured {
  ClockOffset::Microseconds offset;
  ClockOffset::Microseconds error;

  [[nodiscard]] bool agrees(Milliseconds with) const { return std::chrono::abs(offset - with) <= error; }
};

// The answer is from some moment of the round trip, most likely its middle; our wall clock is cut to whole
// milliseconds, so it is half of one later on average.
Measured measured(const ClockOffset::Sample& sample) {
  using Microseconds = ClockOffset::Microseconds;
  const auto half_trip = std::chrono::duration_cast<Microseconds>(ClockOffset::round_trip(sample)) / 2;
  const Microseconds half_tick{500};
  return {sample.coordinator_time - (sample.wall_before + half_tick + half_trip), half_trip + half_tick};
}

}  // namespace

bool ClockOffset::adopt(const Sample& sample) {
  shortest_trip_ = std::min(shortest_trip_, round_trip(sample));
  const Measured found = measured(sample);
  if (found.agrees(offset())) {
    const bool was_known = known();
    offset_ = offset();
    return !was_known && offset() != Milliseconds{0};
  }
  offset_ = std::chrono::round<Milliseconds>(found.offset);
  return true;
}

bool ClockOffset::confirms(const Sample& sample) const {
  const bool is_precise = round_trip(sample) <= std::max(short_trip, 2 * shortest_trip_);
  return known() && is_precise && measured(sample).agrees(offset());
}

ServerClock::ServerClock(Timers& timers, RedisOperations operations, Duration interval, Duration timeout,
                         std::function<void()> changed)
    : timers_(timers),
      operations_(std::move(operations)),
      interval_(interval),
      timeout_(timeout),
      changed_(std::move(changed)),
      wake_(timers),
      measured_(timers) {}

void ServerClock::start() { start_task(timers_.executor(), run(shared_from_this())); }

void ServerClock::stop() {
  stopped_ = true;
  changed_ = nullptr;
  wake_.notify();
}

void ServerClock::measure_now() {
  next_ = timers_.clock().boot_now();
  wake_.notify();
}

void ServerClock::forget() {
  ++steps_;
  offset_.forget();
  measure_now();
}

Task<Milliseconds> ServerClock::get(BootTime deadline) {
  const auto self = shared_from_this();
  // Thousands of tokens ask for it at the start: one measurement serves all.
  if (!offset_.known() && measuring_ > 0) co_await measured_.wait_until(deadline);
  if (!offset_.known()) co_await measure(self, deadline);
  co_return offset_.offset();
}

Task<> ServerClock::run(std::shared_ptr<ServerClock> self) {
  while (!self->stopped_) {
    const BootTime now = self->timers_.clock().boot_now();
    if (now < self->next_) {
      co_await self->wake_.wait_until(self->next_);
      continue;
    }
    self->next_ = now + measure_retry;  // unless it goes well
    if (!self->operations_.is_connected()) continue;
    try {
      co_await measure(self, now + self->timeout_);
    } catch (const TransportError&) {
      // The connection reports it; measured again when it is back.
    }
  }
}

// The fastest of a few questions has the smallest error. One is enough if nothing has changed.
Task<> ServerClock::measure(std::shared_ptr<ServerClock> self, BootTime deadline) {
  const Clock& clock = self->timers_.clock();
  const Measuring measuring(*self);
  std::optional<ClockOffset::Sample> best;
  for (int i = 0; i < samples_per_measurement; ++i) {
    ClockOffset::Sample sample;
    sample.sent_at = clock.boot_now();
    sample.wall_before = clock.wall_now();
    const std::uint64_t steps = self->steps_;
    sample.coordinator_time = co_await self->operations_.time(deadline);
    sample.received_at = clock.boot_now();
    if (steps != self->steps_) continue;  // the clock was stepped in between
    if (!best || ClockOffset::round_trip(sample) < ClockOffset::round_trip(*best)) best = sample;
    if (self->offset_.confirms(sample)) break;
  }
  if (!best) throw TransportError("this host's clock is being stepped");
  const bool was_known = self->offset_.known();
  const bool moved = self->offset_.adopt(*best);
  self->next_ = clock.boot_now() + self->interval_;
  if (was_known && !moved) co_return;
  if (const auto changed = self->changed_) changed();
}

}  // namespace jeton::agent
