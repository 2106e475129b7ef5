// SocketFile: a listening unix socket and its name in the file system.
//
// The name appears in one step (bind to a temporary name, open it to every user, listen, rename), so no client ever
// finds a socket that refuses. An older file of that name is replaced only if it is a socket of our own user: the
// leftover of an agent that was killed. The caller holds the lock that makes it the only agent of the directory.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

class SocketFile {
 public:
  // Throws Error. The socket is non-blocking and close-on-exec, the file has mode 0666: rights are decided by the
  // peer's credentials.
  explicit SocketFile(std::filesystem::path path);
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  // Removes the name if it still is this socket's, and closes the socket unless it was released.
  ~SocketFile();

  // Whether the name still leads to this socket.
  [[nodiscard]] bool has_name() const;

  [[nodiscard]] int release() { return socket_.release(); }

 private:
  std::filesystem::path path_;
  UniqueFd socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace jeton::agent
