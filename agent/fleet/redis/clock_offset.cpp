#include "agent/fleet/redis/clock_offset.hpp"

namespace jeton::agent {

bool ClockOffset::adopt(const Sample& sample) {
  // The answer is from some moment of the round trip, most likely its middle; our wall clock is cut to whole
  // milliseconds, so it is half of one later on average.
  const auto half_trip = std::chrono::duration_cast<Microseconds>(round_trip(sample)) / 2;
  const Microseconds half_tick{500};
  const Microseconds measured = sample.coordinator_time - (sample.wall_before + half_tick + half_trip);
  const Microseconds error = half_trip + half_tick;

  const Microseconds before = offset_.value_or(Milliseconds{0});
  if (std::chrono::abs(measured - before) <= error) {
    const bool was_known = known();
    offset_ = offset();
    return !was_known && offset() != Milliseconds{0};
  }
  offset_ = std::chrono::round<Milliseconds>(measured);
  return true;
}

}  // namespace jeton::agent
