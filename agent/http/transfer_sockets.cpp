#include "agent/http/transfer_sockets.hpp"

// The tcp_info of <netinet/tcp.h> has no tcpi_bytes_received.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace jeton::agent {
namespace {

std::uint64_t received_by(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  const bool counted = size >= offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
  return counted ? info.tcpi_bytes_received : 0;
}

}  // namespace

int TransferSockets::open(int family, int type, int protocol) {
  const std::lock_guard lock(mutex_);
  if (shut_down_) return -1;
  const int fd = ::socket(family, type | SOCK_CLOEXEC, protocol);
  if (fd >= 0) open_.push_back(fd);
  return fd;
}

int TransferSockets::close(int fd) {
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  received_by_closed_ = std::max(received_by_closed_, received_by(fd));
  return ::close(fd);
}

// Shuts down both directions: then the kernel answers later bytes with a reset instead of queueing them for libcurl.
void TransferSockets::shut_down() {
  const std::lock_guard lock(mutex_);
  shut_down_ = true;
  const linger reset{1, 0};  // a peer that waits for us to read learns from close() that we do not
  for (const int fd : open_) {
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::shutdown(fd, SHUT_RDWR);
  }
}

std::uint64_t TransferSockets::received() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t most = received_by_closed_;
  for (const int fd : open_) most = std::max(most, received_by(fd));
  return most;
}

}  // namespace jeton::agent
