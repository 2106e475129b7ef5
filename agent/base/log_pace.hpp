// LogPace: at most one line a minute about something that others can cause as often as they like.
// LogBurst: the same for lines that differ: the first few at once, then one a minute. One thread.
#pragma once

#include <algorithm>

#include "agent/base/time.hpp"

namespace jeton::agent {

class LogPace {
 public:
  // Whether a line is due; the next one is a minute later.
  [[nodiscard]] bool allows(BootTime now) {
    if (now < quiet_until_) return false;
    quiet_until_ = now + std::chrono::minutes(1);
    return true;
  }

 private:
  BootTime quiet_until_{};
};

class LogBurst {
 public:
  // Whether a line is due. After a quiet time as many are due at once as at the beginning.
  [[nodiscard]] bool allows(BootTime now) {
    if (now < used_up_to_ - (burst - 1) * pace) return false;
    used_up_to_ = std::max(used_up_to_, now) + pace;
    return true;
  }

  static constexpr int burst = 16;

 private:
  static constexpr Duration pace = std::chrono::minutes(1);
  BootTime used_up_to_{};  // every line uses up so much time, some of it in advance
};

}  // namespace jeton::agent
