// Tallies for /metrics: how often something took how long, and the events of the connections to the coordinator, since
// the agent started. They only count: no part reads one to decide. One thread: the loop's.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "agent/base/time.hpp"

namespace jeton::agent {

class DurationTally {
 public:
  // The upper limits of the buckets, the same for all tallies; the last bucket has none.
  using Limit = std::chrono::microseconds;
  static constexpr std::array limits{Limit{500},         Limit{1'000},        Limit{2'500},      Limit{5'000},
                                     Limit{10'000},      Limit{25'000},       Limit{50'000},     Limit{100'000},
                                     Limit{250'000},     Limit{500'000},      Limit{1'000'000},  Limit{2'500'000},
                                     Limit{5'000'000},   Limit{10'000'000},   Limit{30'000'000}, Limit{60'000'000},
                                     Limit{300'000'000}, Limit{1'800'000'000}};
  using Counts = std::array<std::uint64_t, limits.size() + 1>;

  void add(Duration duration) {
    const auto bucket = std::lower_bound(limits.begin(), limits.end(), duration);
    ++counts_[static_cast<std::size_t>(bucket - limits.begin())];
    sum_ += std::max(duration, Duration{0});
  }
  // Of each bucket by itself.
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] Duration sum() const { return sum_; }

 private:
  Counts counts_{};
  Duration sum_{0};
};

// Of all connections to the servers of one coordinator.
struct ConnectionTally {
  DurationTally answers;         // from a command to its answer
  std::uint64_t reconnects = 0;  // connects after the first one of each connection
};

}  // namespace jeton::agent
