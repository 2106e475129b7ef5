// LogPace: at most one line a minute about something that others can cause as often as they like. One thread.
#pragma once

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

}  // namespace jeton::agent
