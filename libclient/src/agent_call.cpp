#include "libclient/src/agent_call.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "libclient/src/clock.hpp"
#include "libclient/src/descriptor.hpp"

namespace jeton::client {
namespace {

constexpr const char* socket_name = "agent.sock";
constexpr std::size_t status_line_size = sizeof("HTTP/1.1 200");  // with its end: a blank

// A path too long for an address is reached through a descriptor of its directory, which `folder` keeps open.
bool make_address(const char* directory, sockaddr_un& address, Descriptor& folder) {
  address.sun_family = AF_UNIX;
  const auto fits = [&](int length) {
    return length > 0 && static_cast<std::size_t>(length) < sizeof(address.sun_path);
  };
  if (fits(std::snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, socket_name))) return true;
  folder = Descriptor(::open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return false;
  return fits(
      std::snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder.get(), socket_name));
}

bool wait_for(int fd, short events, std::int64_t deadline_ms) {
  for (;;) {
    const std::int64_t left = deadline_ms - monotonic_now_ms();
    if (left <= 0) return false;
    pollfd waiting = {fd, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// A unix socket connects at once or not at all; EAGAIN: the agent's queue is full.
bool connect_to(int fd, const sockaddr_un& address, std::int64_t deadline_ms) {
  for (;;) {
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return true;
    if (errno != EAGAIN && errno != EINTR) return false;
    if (monotonic_now_ms() >= deadline_ms) return false;
    const timespec pause = {0, 5'000'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
  }
}

bool send_all(int fd, const char* text, std::size_t size, std::int64_t deadline_ms) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, text, size, MSG_NOSIGNAL);  // no SIGPIPE for the application
    if (sent > 0) {
      text += sent;
      size -= static_cast<std::size_t>(sent);
    } else if (errno != EINTR && (errno != EAGAIN || !wait_for(fd, POLLOUT, deadline_ms))) {
      return false;
    }
  }
  return true;
}

// "HTTP/1.1 202 Accepted": as much of it as holds the number.
bool receive_status(int fd, int* status, std::int64_t deadline_ms) {
  char line[status_line_size] = {};
  std::size_t size = 0;
  while (size < sizeof(line)) {
    const ssize_t received = ::recv(fd, line + size, sizeof(line) - size, 0);
    if (received > 0) {
      size += static_cast<std::size_t>(received);
    } else if (received == 0 || (errno != EINTR && (errno != EAGAIN || !wait_for(fd, POLLIN, deadline_ms)))) {
      return false;
    }
  }
  if (std::memcmp(line, "HTTP/1.", 7) != 0) return false;
  *status = 0;
  for (const char* digit = line + 9; digit < line + 12; ++digit) {
    if (*digit < '0' || *digit > '9') return false;
    *status = *status * 10 + (*digit - '0');
  }
  return true;
}

}  // namespace

AgentAnswer call_agent(const char* directory, const char* method, const char* path, const char* body,
                       int* status) noexcept {
  const std::int64_t deadline_ms = monotonic_now_ms() + agent_call_timeout_ms;
  char request[512];  // a path holds a token's name, the body a number
  const int size = std::snprintf(request, sizeof(request),
                                 "%s %s HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n"
                                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                 method, path, std::strlen(body), body);
  if (size <= 0 || static_cast<std::size_t>(size) >= sizeof(request)) return AgentAnswer::unreachable;

  sockaddr_un address = {};
  Descriptor folder(-1);
  if (!make_address(directory, address, folder)) return AgentAnswer::unreachable;
  const Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0 || !connect_to(fd.get(), address, deadline_ms)) return AgentAnswer::unreachable;
  if (!send_all(fd.get(), request, static_cast<std::size_t>(size), deadline_ms)) return AgentAnswer::silent;
  if (!receive_status(fd.get(), status, deadline_ms)) return AgentAnswer::silent;
  return AgentAnswer::answered;
}

}  // namespace jeton::client
