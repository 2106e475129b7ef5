#include "agent/http/transfer_sockets.hpp"

// The tcp_info of <netinet/tcp.h> has no tcpi_bytes_received.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
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

std::uint64_t TransferSockets::received_since(const Open& open) {
  const std::uint64_t now = received_by(open.fd);
  return now - std::min(now, open.before);
}

TransferSockets::TransferSockets() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void TransferSockets::begin() {
  const std::lock_guard lock(mutex_);
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
  for (Open& open : open_) open.before = received_by(open.fd);
  received_by_closed_ = 0;
  shut_down_ = false;
}

int TransferSockets::open(int family, int type, int protocol) {
  const std::lock_guard lock(mutex_);
  if (shut_down_) return -1;
  const int fd = ::socket(family, type | SOCK_CLOEXEC, protocol);
  if (fd >= 0) open_.push_back({fd, 0});
  return fd;
}

int TransferSockets::close(int fd) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(open_.begin(), open_.end(), [fd](const Open& open) { return open.fd == fd; });
  if (found != open_.end()) {
    received_by_closed_ = std::max(received_by_closed_, received_since(*found));
    open_.erase(found);
  }
  return ::close(fd);
}

// Shuts down both directions: then the kernel answers later bytes with a reset instead of queueing them for libcurl.
void TransferSockets::shut_down() {
  const std::lock_guard lock(mutex_);
  shut_down_ = true;
  const linger reset{1, 0};  // a peer that waits for us to read learns from close() that we do not
  for (const Open& open : open_) {
    ::setsockopt(open.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::shutdown(open.fd, SHUT_RDWR);
  }
  ::eventfd_write(wake_.get(), 1);
}

std::uint64_t TransferSockets::received() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t most = received_by_closed_;
  for (const Open& open : open_) most = std::max(most, received_since(open));
  return most;
}

}  // namespace jeton::agent
