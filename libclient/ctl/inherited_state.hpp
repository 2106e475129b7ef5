// InheritedState: the state from the parent that this process changes for itself: the signals that are blocked and
// ignored, and the limit of core dumps.
//
// A signal that a parent has ignored (nohup, a job in the background of a script) stays ignored: that is what the
// parent asked for. jetonctl changes some of the rest for itself; a command that it starts gets all of it back.
#pragma once

#include <signal.h>
#include <sys/resource.h>

namespace jeton::ctl {

class InheritedState {
 public:
  // As they are now: to be made before any of them is changed.
  InheritedState();

  [[nodiscard]] bool ignores(int number) const;
  // In a child, before exec.
  void restore() const;

 private:
  sigset_t ignored_{};
  sigset_t mask_{};
  rlimit core_{};
};

// The changes that jetonctl needs: a closed pipe is an error of write(2), a child that ended can be waited for, a core
// dump, which could hold a token, is not written, and nothing that is opened later takes the place of a closed stdin,
// stdout or stderr (which stays an error to use, and stays closed for a command).
void prepare_process();

}  // namespace jeton::ctl
