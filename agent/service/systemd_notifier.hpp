// What the agent tells systemd (sd_notify(3)): readiness, reloading, a status line, the watchdog. Does nothing where no
// NOTIFY_SOCKET is set.
#pragma once

#include <optional>
#include <string>

#include "agent/base/time.hpp"

namespace jeton::agent {

class SystemdNotifier {
 public:
  // Whether systemd started this process as a service of Type=notify, and starts it again if it ends.
  [[nodiscard]] static bool is_service();

  void ready(const std::string& status) const;
  void reloading() const;
  // It may take so long.
  void stopping(Duration patience) const;
  void status(const std::string& text) const;
  void alive() const;  // WATCHDOG=1

  // How often alive() must be called: half of the unit's WatchdogSec; empty without a watchdog.
  [[nodiscard]] static std::optional<Duration> watchdog_interval();
};

}  // namespace jeton::agent
