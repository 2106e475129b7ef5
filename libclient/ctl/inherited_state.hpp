// InheritedState: the state from the parent that this process changes for itself: the signals that are blocked and
// ignored, and the limit of core dumps.
//
// A signal that a parent has ignored (nohup, a job in the background of a script) stays ignored, as the parent wanted.
// jetonctl changes some of the rest for itself; a command that it starts gets all of it back.
#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <string>
#include <vector>

namespace jeton::ctl {

class InheritedState {
 public:
  // Reads the present state: make the object before any of it is changed.
  InheritedState();

  [[nodiscard]] bool ignores(int number) const;
  // Restores the state and executes the command, which is looked for in PATH; in a child. Returns the
  // errno if it cannot be executed.
  [[nodiscard]] int execute(const std::vector<std::string>& argv) const;

 private:
  sigset_t ignored_{};
  sigset_t mask_{};
  rlimit core_{};
};

// Makes the changes that jetonctl needs: a closed pipe is an error of write(2), a child that ended can be waited for, a
// core dump, which could hold a token, is not written, and no file that is opened later gets the number of a closed
// stdin, stdout or stderr (using that is still an error, and it stays closed for a command).
void prepare_process();

}  // namespace jeton::ctl
