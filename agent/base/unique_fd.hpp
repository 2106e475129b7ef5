// A file descriptor that is owned and closed, whole reads and writes of one, and pipes.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/secret.hpp"

namespace jeton::agent {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    const int old = std::exchange(fd_, fd);
    if (old >= 0) ::close(old);
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

// Both ends are close-on-exec. Throws Error that begins with `where`.
[[nodiscard]] inline Pipe make_pipe(const std::string& where) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw errno_error(where);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// Throws Error that begins with `where`.
inline void write_all(int fd, std::string_view bytes, const std::string& where) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw errno_error(where);
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

// Appends what there is up to the end, or until `text` is longer than `limit`. False: errno says why not.
[[nodiscard]] inline bool read_to_end(int fd, std::size_t limit, SecretString& text) {
  std::array<char, 4096> buffer;
  ssize_t size = 0;
  while ((size = ::read(fd, buffer.data(), buffer.size())) > 0 || (size < 0 && errno == EINTR)) {
    if (size > 0) text.append({buffer.data(), static_cast<std::size_t>(size)});
    if (text.size() > limit) break;
  }
  const int error = errno;
  wipe(buffer.data(), buffer.size());
  errno = error;
  return size >= 0;
}

}  // namespace jeton::agent
