#include "agent/base/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace jeton::agent {

Duration Backoff::next() {
  const double ceiling =
      std::min(static_cast<double>(limits_.cap.count()),
               std::ldexp(static_cast<double>(limits_.base.count()), static_cast<int>(std::min(failures_, 40U))));
  ++failures_;
  const double floor = std::min(static_cast<double>(limits_.floor.count()), ceiling);
  return Duration{static_cast<Duration::rep>(floor + (ceiling - floor) * random_.uniform())};
}

}  // namespace jeton::agent
