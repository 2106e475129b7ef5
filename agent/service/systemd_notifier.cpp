#include "agent/service/systemd_notifier.hpp"

#include <systemd/sd-daemon.h>

#include <ctime>

#include "agent/base/environment.hpp"

namespace jeton::agent {
namespace {

// RELOADING=1 wants CLOCK_MONOTONIC, the one clock that systemd itself uses there.
std::string monotonic_usec() {
  timespec ts{};
  ::clock_gettime(CLOCK_MONOTONIC, &ts);
  return std::to_string(static_cast<long long>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1'000);
}

void notify(const std::string& state) { ::sd_notify(0, state.c_str()); }

}  // namespace

bool SystemdNotifier::is_service() {
  const char* socket = environment_variable("NOTIFY_SOCKET");
  return socket != nullptr && *socket != '\0';
}

void SystemdNotifier::ready(const std::string& status) const { notify("READY=1\nSTATUS=" + status); }

void SystemdNotifier::reloading() const { notify("RELOADING=1\nMONOTONIC_USEC=" + monotonic_usec()); }

void SystemdNotifier::stopping(Duration patience) const {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(patience).count();
  notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(us));
}

void SystemdNotifier::status(const std::string& text) const { notify("STATUS=" + text); }

void SystemdNotifier::alive() const { notify("WATCHDOG=1"); }

std::optional<Duration> SystemdNotifier::watchdog_interval() {
  std::uint64_t usec = 0;
  if (::sd_watchdog_enabled(0, &usec) <= 0) return std::nullopt;
  return std::chrono::microseconds(usec / 2);
}

}  // namespace jeton::agent
