#include "libclient/ctl/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>

namespace jeton::ctl {
namespace {

constexpr std::size_t longest_output = 64 * 1024;
constexpr int cannot_start = 127;

// Between fork and exec, in the child. This program has one thread, so anything may be called.
[[noreturn]] void become_program(const std::vector<std::string>& argv, const InheritedState& inherited, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  const char* const path = std::getenv("PATH");
  ::setenv("PATH", ((path == nullptr ? std::string("/usr/bin:/bin") : std::string(path)) + ":/usr/sbin:/sbin").c_str(),
           1);
  static_cast<void>(inherited.execute(argv));
  ::_exit(cannot_start);
}

// False: not to its end in time.
bool read_output(int fd, std::string& text, const Deadline& deadline) {
  std::array<char, 4096> chunk{};
  pollfd ready{fd, POLLIN, 0};
  while (!deadline.passed()) {
    const int left = static_cast<int>(deadline.remaining().value_or(Milliseconds{0}).count());
    if (::poll(&ready, 1, left) <= 0) continue;
    const ssize_t size = ::read(fd, chunk.data(), chunk.size());
    if (size == 0) return true;
    if (size < 0 && errno != EINTR) return false;
    if (size > 0 && text.size() < longest_output) text.append(chunk.data(), static_cast<std::size_t>(size));
  }
  return false;
}

// As waitpid(2) says it. One that has closed its output may run on: it is killed at the deadline, else at once.
int end_of(pid_t pid, bool in_time, const Deadline& deadline) {
  int raw = 0;
  pid_t ended = 0;
  while (in_time && (ended = ::waitpid(pid, &raw, WNOHANG)) == 0 && !deadline.passed()) ::poll(nullptr, 0, 5);
  if (ended != 0) return raw;
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, &raw, 0) < 0 && errno == EINTR) {
  }
  return raw;
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& argv, const InheritedState& inherited,
                          Milliseconds patience) {
  ProgramResult result;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return result;
  const pid_t pid = ::fork();
  if (pid == 0) become_program(argv, inherited, ends[1]);
  ::close(ends[1]);
  if (pid > 0) {
    const Deadline deadline(patience);
    const bool in_time = read_output(ends[0], result.out, deadline);
    const int raw = end_of(pid, in_time, deadline);
    if (WIFEXITED(raw) && WEXITSTATUS(raw) != cannot_start) result.status = WEXITSTATUS(raw);
  }
  ::close(ends[0]);
  return result;
}

std::string first_line(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) return line;
  }
  return {};
}

}  // namespace jeton::ctl
