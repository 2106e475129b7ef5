// A function in a forked process of its own, for tests that kill, stop and crash readers and writers of a segment.
//
// The test process itself stays single-threaded and touches no segment through the agent's code, so a child begins as
// clean as after exec; the failpoints it is given are its own. Dies with the test.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

namespace jeton::test {

class Child {
 public:
  // `body` gets the writing end of a pipe to the parent; its return value is the exit status, 99 after an exception.
  explicit Child(const std::function<int(int)>& body, const std::string& failpoints = {}) {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (!failpoints.empty()) ::setenv("JETON_FAILPOINTS", failpoints.c_str(), 1);
      int status = 99;
      try {
        status = body(ends[1]);
      } catch (const std::exception& e) {
        static_cast<void>(::write(STDERR_FILENO, e.what(), std::char_traits<char>::length(e.what())));
      }
      ::_exit(status);
    }
    ::close(ends[1]);
    from_child_ = ends[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill();
    ::close(from_child_);
  }

  void signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
  }
  void kill() {
    signal(SIGKILL);
    wait();
  }
  // Exit status, or 128 + signal.
  int wait() {
    if (pid_ > 0) {
      int raw = 0;
      while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
      }
      status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
      pid_ = -1;
    }
    return status_;
  }
  // The next `size` bytes from the child; false if it ended before.
  [[nodiscard]] bool receive(void* data, std::size_t size) const {
    auto* to = static_cast<char*>(data);
    while (size > 0) {
      const ssize_t got = ::read(from_child_, to, size);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      to += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }
  // Waits for one byte: the child says that it is where it should be.
  [[nodiscard]] bool ready() const {
    char byte = 0;
    return receive(&byte, 1);
  }

 private:
  pid_t pid_ = -1;
  int from_child_ = -1;
  int status_ = -1;
};

inline void tell(int to_parent, const void* data, std::size_t size) {
  if (::write(to_parent, data, size) != static_cast<ssize_t>(size)) ::_exit(98);
}
inline void tell_ready(int to_parent) { tell(to_parent, "r", 1); }

}  // namespace jeton::test
