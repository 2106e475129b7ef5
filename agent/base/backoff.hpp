// Exponential backoff with full jitter: each pause is uniform in [floor, min(cap, base * 2^failures)], which spreads
// a fleet's retries best ("Exponential Backoff And Jitter", M. Brooker, AWS Architecture Blog, 2015).
#pragma once

#include <algorithm>
#include <cmath>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"

namespace jeton::agent {

struct BackoffLimits {
  Duration base;      // upper bound of the first pause
  Duration cap;       // upper bound of every pause
  Duration floor{0};  // lower bound of every pause, so that small draws do not make a busy loop
};

class Backoff {
 public:
  Backoff(BackoffLimits limits, Random& random) : limits_(limits), random_(random) {}

  // The pause after one more failure.
  [[nodiscard]] Duration next() {
    const double ceiling =
        std::min(static_cast<double>(limits_.cap.count()),
                 std::ldexp(static_cast<double>(limits_.base.count()), static_cast<int>(std::min(failures_, 40U))));
    ++failures_;
    const double floor = std::min(static_cast<double>(limits_.floor.count()), ceiling);
    return Duration{static_cast<Duration::rep>(floor + (ceiling - floor) * random_.uniform())};
  }
  void reset() { failures_ = 0; }
  // A failure of another host, which paused for it.
  void count_failure() { ++failures_; }

 private:
  BackoffLimits limits_;
  Random& random_;
  unsigned failures_ = 0;
};

}  // namespace jeton::agent
