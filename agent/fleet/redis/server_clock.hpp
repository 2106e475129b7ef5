// ClockOffset: the coordinator's wall clock minus this host's, so that all agents mean the same moment by the same
// number, however wrong their own clocks are. Pure arithmetic over samples; it asks no server by itself.
//
// ServerClock: measures the offset of a server's clock when it is connected, when this host's clock was stepped, and
// now and then. One thread: the loop's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "agent/base/event.hpp"
#include "agent/base/time.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/redis_operations.hpp"

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
  // error of the measurement, so that it does not wander, and is zero as long as no difference of the clocks is found.
  // Returns true if it changed.
  bool adopt(const Sample& sample);
  // Whether the sample differs from the known offset by no more than the error of its measurement, and this error is
  // small: its round trip takes 10 ms at most, or twice the shortest of those that were taken over.
  [[nodiscard]] bool confirms(const Sample& sample) const;
  // This host's clock was stepped: the offset is unknown until the next sample.
  void forget() { offset_.reset(); }

  [[nodiscard]] bool known() const { return offset_.has_value(); }
  // The coordinator's time minus ours; zero while unknown.
  [[nodiscard]] Milliseconds offset() const { return offset_.value_or(Milliseconds{0}); }

  [[nodiscard]] static Duration round_trip(const Sample& sample) { return sample.received_at - sample.sent_at; }

 private:
  std::optional<Milliseconds> offset_;
  Duration shortest_trip_ = std::chrono::hours(1);
};

// Its owner stops it; a measurement under way keeps it until then.
class ServerClock : public std::enable_shared_from_this<ServerClock> {
 public:
  // `changed` is called after a measurement by which the offset became known or changed.
  ServerClock(Timers& timers, RedisOperations operations, Duration interval, Duration timeout,
              std::function<void()> changed);

  void start();
  void stop();
  void measure_now();  // connected (again)
  void forget();       // this host's clock was stepped: unknown until measured again

  // The server's time minus ours; none while unknown.
  [[nodiscard]] std::optional<Milliseconds> offset() const {
    if (!offset_.known()) return std::nullopt;
    return offset_.offset();
  }
  // Returns the offset; measures it first if it is unknown. Throws TransportError.
  Task<Milliseconds> get(BootTime deadline);

 private:
  // Held by a measurement.
  struct Measuring {
    explicit Measuring(ServerClock& c) : clock(c) { ++clock.measuring_; }
    ~Measuring() {
      --clock.measuring_;
      clock.measured_.notify();
    }
    Measuring(const Measuring&) = delete;
    Measuring& operator=(const Measuring&) = delete;
    ServerClock& clock;
  };

  static Task<> run(std::shared_ptr<ServerClock> self);
  static Task<> measure(std::shared_ptr<ServerClock> self, BootTime deadline);

  Timers& timers_;
  RedisOperations operations_;
  Duration interval_;
  Duration timeout_;
  std::function<void()> changed_;
  Event wake_;
  Event measured_;  // a measurement has ended
  int measuring_ = 0;
  ClockOffset offset_;
  std::uint64_t steps_ = 0;          // of this host's clock
  BootTime next_ = BootTime::max();  // nothing to do before the first connect
  bool stopped_ = false;
};

}  // namespace jeton::agent
