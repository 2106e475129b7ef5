// Loop: a TestLoop with real timers and the operating system's random numbers.
#pragma once

#include "agent/base/boot_timers.hpp"
#include "agent/base/time.hpp"
#include "tests/support/test_loop.hpp"

namespace jeton::test {

// A base class, so that it is constructed before TestLoop and destroyed after it.
struct RealTime {
  boost::asio::io_context real_context{1};
  agent::SystemClock real_clock;
  agent::BootTimers real_timers{real_context, real_clock};
  agent::OsRandom real_random;
};

class Loop final : private RealTime, public TestLoop {
 public:
  Loop();
  ~Loop() override;

  bool turn_until(const std::function<bool()>& condition, agent::Duration limit = patience) override;
};

}  // namespace jeton::test
