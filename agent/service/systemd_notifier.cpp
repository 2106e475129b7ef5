#include "agent/service/systemd_notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cstddef>
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

// A path, or @ and an abstract name.
std::string socket_name() {
  const char* given = environment_variable("NOTIFY_SOCKET");
  std::string name = given == nullptr ? "" : given;
  const bool is_unix =
      name.size() >= 2 && name.size() < sizeof(sockaddr_un::sun_path) && (name.front() == '/' || name.front() == '@');
  if (!is_unix) return {};
  if (name.front() == '@') name.front() = '\0';
  return name;
}

}  // namespace

bool SystemdNotifier::is_service() { return !socket_name().empty(); }

SystemdNotifier::SystemdNotifier() : name_(socket_name()) {
  if (!name_.empty()) socket_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool SystemdNotifier::send(const std::string& state) {
  if (!socket_) return true;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name_.copy(address.sun_path, name_.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
  return ::sendto(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&address), size) >= 0;
}

void SystemdNotifier::ready(const std::string& status) { ready_is_owed_ = !send("READY=1\nSTATUS=" + status); }

void SystemdNotifier::reloading() { send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_usec()); }

void SystemdNotifier::stopping(Duration patience) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(patience).count();
  send("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(us));
}

void SystemdNotifier::status(const std::string& text) {
  if (ready_is_owed_) return ready(text);
  send("STATUS=" + text);
}

void SystemdNotifier::alive() { send("WATCHDOG=1"); }

std::optional<Duration> SystemdNotifier::watchdog_interval() {
  std::uint64_t usec = 0;
  if (::sd_watchdog_enabled(0, &usec) <= 0) return std::nullopt;
  return std::chrono::microseconds(usec / 2);
}

}  // namespace jeton::agent
