// Where clients come in: the socket with a name in the file system, and the one that takes clients from a socket.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "agent/base/timers.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

// SocketFile: a listening unix socket and its name in the file system.
//
// The name appears in one step (bind to a temporary name, open it to every user, listen, rename), so no client ever
// finds a socket that refuses. An older file of that name is replaced only if it is a socket of our own user: the
// leftover of an agent that was killed. The caller holds the lock that makes it the only agent of the directory.
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

// Listener: takes the clients from a listening socket, on the loop: some a turn, so that other work has its turn. Out
// of descriptors or memory it pauses; without a pause, the client that stays in the queue would wake the loop again and
// again. One thread: the loop's.
class Listener {
 public:
  struct Callbacks {
    std::function<void(UniqueFd client)> admit;                 // non-blocking, close-on-exec
    std::function<void(const std::string& reason)> on_trouble;  // none could be accepted; trying again
  };

  // Timers outlive it. No callback comes after close().
  Listener(const Executor& executor, Timers& timers, Callbacks callbacks);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  // From now on this socket, which is listening and non-blocking. The clients in the queue of the one before are taken,
  // because its name may be gone, and it is closed.
  void listen(UniqueFd socket);
  // Idempotent.
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
