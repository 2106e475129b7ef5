// Child: a command that runs under a lock: started, sent signals, ended.
//
// Without a terminal on stdin it leads a process group of its own, so that what it started ends with it; with one it
// stays in the terminal's group, or it could not read from it, and the terminal's signals reach it by themselves. The
// kernel kills it when this process dies, however that happens. What it has started and left behind comes to this
// process (PR_SET_CHILD_SUBREAPER). SIGCHLD must not be ignored here, or nobody learns how the command ended.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libclient/ctl/inherited_signals.hpp"

namespace jeton::ctl {

class Child {
 public:
  // `argv`: the command; `env`: added to the environment. It gets `signals`. Throws Failure if there is no process to
  // be had; a command that cannot be run ends with 127, or 126 if it is there, as in a shell.
  Child(const std::vector<std::string>& argv, const std::vector<std::pair<std::string, std::string>>& env,
        const InheritedSignals& signals);
  ~Child();  // kills it, if it runs
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // To the group, or to the command alone if it shares ours.
  void signal(int number) const;
  [[nodiscard]] bool has_own_group() const { return own_group_; }
  // Kills what the command, which has ended, has started and left behind.
  void end_what_is_left() const;
  // Its exit status, or 128 + signal; nothing: it runs. An end that somebody else waited for is said, and is
  // Exit::run_failed.
  [[nodiscard]] std::optional<int> status();

 private:
  pid_t pid_ = -1;
  bool own_group_ = false;
  std::set<pid_t> of_others_;  // children that this process had before
  std::optional<int> status_;
};

}  // namespace jeton::ctl
