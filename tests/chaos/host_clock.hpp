// The wall clock of a host: that of the machine until it is stepped. Only processes that are started with env() see the
// steps (clock_preload.c); CLOCK_BOOTTIME stays that of the machine, as a step of a real clock leaves it.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "agent/base/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::chaos {

class HostClock {
 public:
  HostClock();

  [[nodiscard]] std::map<std::string, std::string> env() const;
  // How far it is ahead of the machine's from now on. The agent of the host hears of the step, like of one of the
  // kernel.
  void set(std::chrono::seconds ahead) const;

 private:
  test::TempDir dir_;
  agent::UniqueFd offset_;
  agent::UniqueFd steps_;
};

}  // namespace jeton::chaos
