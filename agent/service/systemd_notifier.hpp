// Notifications of the agent to systemd (sd_notify(3)): readiness, reloading, a status line, the watchdog. Does nothing
// if no NOTIFY_SOCKET is set.
//
// Never waits: a service manager that hangs would block the loop. A notification that the socket does not accept is
// lost, except READY=1, without which systemd would end the service: it is sent again with the next status.
#pragma once

#include <optional>
#include <string>

#include "agent/base/time.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

class SystemdNotifier {
 public:
  SystemdNotifier();

  // Whether systemd started this process as a service of Type=notify, and starts it again if it ends.
  [[nodiscard]] static bool is_service();

  void ready(const std::string& status);
  void reloading();
  // Announces that the stop may take this long.
  void stopping(Duration patience);
  void status(const std::string& text);
  void alive();  // WATCHDOG=1

  // How often alive() must be called: half of the unit's WatchdogSec; empty without a watchdog.
  [[nodiscard]] static std::optional<Duration> watchdog_interval();

 private:
  bool send(const std::string& state);

  std::string name_;  // of the manager's socket; empty: there is none
  UniqueFd socket_;
  bool ready_is_owed_ = false;
};

}  // namespace jeton::agent
