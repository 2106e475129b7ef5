// Child: a command that runs under a lock: started, sent signals, ended.
//
// It leads a process group of its own, so that what it started ends with it. But if this process has a terminal, on
// stdin or as one of its foreground, the command stays in this process's group: from another it would be stopped as
// soon as it asks for a password there; and the terminal's signals reach it by themselves. The kernel kills it when
// this process dies, however that happens. What it has started and left behind comes to this process
// (PR_SET_CHILD_SUBREAPER), which waits for it. SIGCHLD must not be ignored here, or jetonctl does not learn how the
// command ended.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libclient/ctl/inherited_state.hpp"

namespace jeton::ctl {

class Child {
 public:
  // `argv`: the command; `env`: added to the environment. The command gets `inherited` back. Throws Failure if the
  // system has no process left; a command that cannot be run ends with 127, or 126 if it exists, as in a shell.
  Child(const std::vector<std::string>& argv, const std::vector<std::pair<std::string, std::string>>& env,
        const InheritedState& inherited);
  ~Child();  // kills it, if it runs
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // To the group, or only to the command if it shares our group.
  void signal(int number) const;
  [[nodiscard]] bool has_own_group() const { return own_group_; }
  // Kills the processes that the ended command has left behind.
  void end_what_is_left() const;
  // Its exit status, or 128 + signal; nothing: it runs. If other code has taken the status, it says so and returns
  // Exit::run_failed. Also waits for all other children that have ended: call it after each SIGCHLD.
  [[nodiscard]] std::optional<int> status();

 private:
  void note_end(int raw);

  pid_t pid_ = -1;
  bool own_group_ = false;
  std::set<pid_t> of_others_;  // children that this process had before
  std::optional<int> status_;
};

}  // namespace jeton::ctl
