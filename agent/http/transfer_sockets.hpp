// TransferSockets: the sockets of one transfer, known outside of libcurl, so that another thread can end the transfer
// and see how much has arrived, even while libcurl does not return. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

namespace jeton::agent {

class TransferSockets {
 public:
  TransferSockets() = default;
  TransferSockets(const TransferSockets&) = delete;
  TransferSockets& operator=(const TransferSockets&) = delete;

  // For libcurl, as socket(2) and close(2). After shut_down() no socket is opened any more.
  [[nodiscard]] int open(int family, int type, int protocol);
  int close(int fd);

  // Ends each connection now: libcurl reads the bytes that the kernel has already received, then an error.
  void shut_down();
  // Bytes from the peer on the connection with the most, TLS and framing included. 0 if the kernel does not count them.
  [[nodiscard]] std::uint64_t received() const;

 private:
  mutable std::mutex mutex_;
  std::vector<int> open_;  // guarded by mutex_: a descriptor in it is not closed, so its number is not reused
  std::uint64_t received_by_closed_ = 0;
  bool shut_down_ = false;
};

}  // namespace jeton::agent
