// A child process with its output caught in files, which inherits no other descriptor; killed with SIGKILL and reaped
// when the object dies, in a build of tests/coverage with SIGTERM first.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace jeton::test {

struct ProcessOptions {
  std::map<std::string, std::string> env{};  // added to the test's own environment
  std::filesystem::path cwd{};               // empty: the test's own
  std::string input{};                       // on stdin
  std::filesystem::path err{};               // an existing file or FIFO that gets stderr; empty: caught
  std::optional<uid_t> uid{};                // run as this user (needs root)
  std::optional<gid_t> gid{};                // with this only group
  bool core_dumps = false;                   // RLIMIT_CORE unlimited instead of 0
};

class Process {
 public:
  Process(std::vector<std::string> argv, ProcessOptions options = {});
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  [[nodiscard]] bool running();
  // Whether the child runs this program by now, and waits in the kernel (state S of proc(5)).
  [[nodiscard]] bool sleeps_as(const std::string& program) const;
  // Waits for the end: the exit status, or 128 + signal. Kills the child and throws if it does not end in time.
  int wait(std::chrono::milliseconds limit = std::chrono::seconds(60));
  // SIGKILL and reap; nothing to do if it has ended.
  void kill();

  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

 private:
  TempDir files_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

struct RunResult {
  int status = 0;
  std::string out;
  std::string err;
};

// Starts the program, waits for it, returns its status and output.
[[nodiscard]] RunResult run(std::vector<std::string> argv, ProcessOptions options = {},
                            std::chrono::milliseconds limit = std::chrono::seconds(60));

// The processes that wrote their numbers into this file, one a line; none before it is there.
[[nodiscard]] std::vector<pid_t> noted_pids(const std::filesystem::path& file);

// Whether none of them exists any more, not even as a zombie.
[[nodiscard]] bool all_gone(const std::vector<pid_t>& pids);

}  // namespace jeton::test
