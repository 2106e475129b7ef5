// The process between the agent and a command that it runs: a fork of the agent, which makes sure that no process of
// the command outlives it.
//
// It is the subreaper of all processes that the command starts, so processes that were orphaned or made a session of
// their own become its children in the end, and are killed: when the command has ended, when the agent asks for it, and
// when the agent dies, however it dies. It blocks every signal and holds only the descriptors that it is given. After
// fork in a process with threads: async-signal-safe calls only, no allocation.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace jeton::agent {

// The result of the command; one or more on the report pipe, the first counts.
struct ExecReport {
  enum class Kind : std::int32_t {
    exited,            // value: exit status
    signalled,         // value: signal
    no_directory,      // value: errno of chdir
    not_executed,      // value: errno of execve
    not_started,       // value: errno of fork or of a call that it needs
    not_protected,     // value: errno of forbid_writing_below (write_protection.hpp)
    nothing_reported,  // the supervisor died itself
  };
  Kind kind = Kind::nothing_reported;
  std::int32_t value = 0;
};

// All descriptors above 2 and close-on-exec.
struct Supervised {
  char* const* argv = nullptr;  // argv[0] is the path of the program
  char* const* environment = nullptr;
  const char* directory = nullptr;
  const char* const* unwritable = nullptr;  // write_protection.hpp
  int null = -1;                            // /dev/null, for stdin
  int output = -1;                          // its stdout
  int errors = -1;                          // its stderr
  int control = -1;  // end of file: terminate the group of the command, and kill all that is left after `grace_ms`
  int report = -1;
  int grace_ms = 0;
};

// Runs in the forked process.
[[noreturn]] void supervise(const Supervised& work) noexcept;

}  // namespace jeton::agent
