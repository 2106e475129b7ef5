// The operating system's CLOCK_REALTIME and CLOCK_BOOTTIME as a Clock. Stateless, any thread.
#pragma once

#include "agent/base/time.hpp"

namespace jeton::agent {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall_now() const override;
  [[nodiscard]] BootTime boot_now() const override;
};

}  // namespace jeton::agent
