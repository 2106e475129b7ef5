// The end of a command of jetonctl: its exit status (libclient/man/jetonctl.1) and, unless it succeeded, its message on
// stderr.
#pragma once

#include <stdexcept>
#include <string>

namespace jeton::ctl {

enum class Exit {
  done = 0,
  error = 1,          // usage, or something local: an unknown name, a full disk, a segment that is refused
  unreachable = 2,    // no agent, or it or the segment's owner refused
  no_token = 3,       // no valid token
  timed_out = 4,      // the wait timed out; another owner holds the lock
  not_held = 5,       // a lock is not held by this owner
  problem_found = 6,  // doctor
  // Statuses of lock run and exec; otherwise they have the status of the command.
  lock_lost = 123,     // the command was ended
  not_obtained = 124,  // another owner holds the lock; no valid token in time
  run_failed = 125,    // jetonctl itself, not the command
};

// Ends the command. The message says what failed and what to do; an empty one prints nothing.
class Failure : public std::runtime_error {
 public:
  Failure(Exit exit, const std::string& message) : std::runtime_error(message), exit_(exit) {}
  [[nodiscard]] Exit exit() const { return exit_; }

 private:
  Exit exit_;
};

}  // namespace jeton::ctl
