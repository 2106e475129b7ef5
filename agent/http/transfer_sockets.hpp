// TransferSockets: the sockets of one transfer and of those that it followed on the same connections, known outside of
// libcurl, so that another thread can end the transfer and see how much has arrived, even while libcurl does not
// return. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

class TransferSockets {
 public:
  TransferSockets();
  TransferSockets(const TransferSockets&) = delete;
  TransferSockets& operator=(const TransferSockets&) = delete;

  // The next transfer begins: what came before does not count.
  void begin();
  // Readable after shut_down(), for the thread that waits for libcurl. Below 0: the process has no descriptor left.
  [[nodiscard]] int wake_fd() const { return wake_.get(); }

  // For libcurl, as socket(2) and close(2). After shut_down() no socket is opened any more.
  [[nodiscard]] int open(int family, int type, int protocol);
  int close(int fd);

  // Ends each connection now: libcurl reads the bytes that the kernel has already received, then an error.
  void shut_down();
  // Bytes from the peer on the connection with the most, TLS and framing included. 0 if the kernel does not count them.
  [[nodiscard]] std::uint64_t received() const;

 private:
  struct Open {
    int fd;
    std::uint64_t before;  // received when the transfer began
  };
  static std::uint64_t received_since(const Open& open);

  const UniqueFd wake_;  // an eventfd
  mutable std::mutex mutex_;
  std::vector<Open> open_;  // guarded by mutex_: a descriptor in it is not closed, so its number is not reused
  std::uint64_t received_by_closed_ = 0;
  bool shut_down_ = false;
};

}  // namespace jeton::agent
