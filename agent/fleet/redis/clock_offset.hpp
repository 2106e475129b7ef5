// ClockOffset: the coordinator's wall clock minus this host's, so that all agents mean the same moment by the same
// number, however wrong their own clocks are. Pure arithmetic over samples; it asks no server by itself.
#pragma once

#include <chrono>
#include <optional>

#include "agent/base/time.hpp"

namespace jeton::agent {

class ClockOffset {
 public:
  using Microseconds = std::chrono::microseconds;

  // One question to the coordinator: this host's clocks right before it was sent, the answer, and when that came.
  struct Sample {
    WallTime wall_before;
    BootTime sent_at;
    std::chrono::sys_time<Microseconds> coordinator_time;
    BootTime received_at;
  };

  // Takes over the best (fastest) of some samples. The offset stays as it is if the new one differs by no more than the
  // error of the measurement, so that it does not wander, and is zero as long as the clocks cannot be told apart.
  // Returns true if it changed.
  bool adopt(const Sample& sample);
  // This host's clock was stepped: the offset is unknown until the next sample.
  void forget() { offset_.reset(); }

  [[nodiscard]] bool known() const { return offset_.has_value(); }
  // The coordinator's time minus ours; zero while unknown.
  [[nodiscard]] Milliseconds offset() const { return offset_.value_or(Milliseconds{0}); }

  [[nodiscard]] static Duration round_trip(const Sample& sample) { return sample.received_at - sample.sent_at; }

 private:
  std::optional<Milliseconds> offset_;
};

}  // namespace jeton::agent
