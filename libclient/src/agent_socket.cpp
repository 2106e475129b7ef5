#include "libclient/src/agent_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "libclient/src/clock.hpp"

namespace jeton::client {
namespace {

constexpr const char* socket_name = "agent.sock";

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

}  // namespace

bool wait_for(int fd, short events, std::int64_t deadline_ms) noexcept {
  for (;;) {
    const std::int64_t left = deadline_ms - monotonic_now_ms();
    if (left <= 0) return false;
    pollfd waiting = {fd, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool send_all(int fd, const char* text, std::size_t size, std::int64_t deadline_ms) noexcept {
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

int connect_to_agent(const char* directory, std::int64_t deadline_ms) noexcept {
  sockaddr_un address = {};
  Descriptor folder(-1);
  if (!make_address(directory, address, folder)) return -1;
  Descriptor fd = above_standard(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0 || !connect_to(fd.get(), address, deadline_ms)) return -1;
  return fd.release();
}

}  // namespace jeton::client
