// A child process of the demo: this binary again, with other arguments and one of its streams caught. It has a process
// group of its own, so that Ctrl-C reaches only the demo, which then ends its children. It dies with the demo in any
// case.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/base/unique_fd.hpp"

namespace jeton::agent::demo {

class ChildProcess {
 public:
  // `arguments` follow the program's name. `caught`: STDOUT_FILENO or STDERR_FILENO, readable at stream(); the other
  // one and stdin are /dev/null. Throws Error.
  ChildProcess(std::vector<std::string> arguments, int caught);
  // stop()
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Non-blocking.
  [[nodiscard]] int stream() const { return stream_.get(); }
  // Set once the process ended: "exit status 1", "killed by signal 9".
  [[nodiscard]] const std::optional<std::string>& end();
  // SIGTERM, and SIGKILL if it does not end in time.
  void stop();

 private:
  pid_t pid_ = -1;
  UniqueFd stream_;
  std::optional<std::string> end_;
};

}  // namespace jeton::agent::demo
