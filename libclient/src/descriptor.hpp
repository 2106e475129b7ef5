// A file descriptor that is closed. Internal to libjeton, without exceptions and without the agent's code.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace jeton::client {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    const int error = errno;  // the caller reports the failure, not the clean-up
    if (fd_ >= 0) ::close(fd_);
    errno = error;
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// In a program that has closed one of its standard descriptors, the next new one takes that number, and what the
// program then prints goes there: to the agent, which takes it for the end of a lock. -1 stays.
[[nodiscard]] inline Descriptor above_standard(int fd) {
  Descriptor made(fd);
  if (fd < 0 || fd > STDERR_FILENO) return made;
  return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

}  // namespace jeton::client
