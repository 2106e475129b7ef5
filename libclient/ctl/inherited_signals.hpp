// InheritedSignals: the signal mask of this process and the signals that it ignores, as its parent left them to it.
//
// A signal that a parent has ignored (nohup, a job in the background of a script) stays ignored: that is what the
// parent asked for. jetonctl changes some of the rest for itself; a command that it starts gets all of it back.
#pragma once

#include <signal.h>

namespace jeton::ctl {

class InheritedSignals {
 public:
  // As they are now: to be made before any of them is changed.
  InheritedSignals();

  [[nodiscard]] bool ignores(int number) const;
  // In a child, before exec.
  void restore() const;

 private:
  sigset_t ignored_{};
  sigset_t mask_{};
};

// What jetonctl needs for itself: a closed pipe is an error of write(2), and a child that ended can be waited for.
void prepare_signals();

}  // namespace jeton::ctl
