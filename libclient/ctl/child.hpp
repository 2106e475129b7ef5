// Child: a command that runs under a lock: started, sent signals, ended.
//
// The command leads a process group of its own, so that its descendants end with it. But if this process has a
// terminal, on stdin or because it is in the foreground, the command stays in this process's group: in another group it
// would be stopped as soon as it reads a password from the terminal; and in this group the terminal's signals reach it
// by themselves. The kernel kills the command when this process dies, however that happens. Processes that it has
// started and left behind become children of this process (PR_SET_CHILD_SUBREAPER), which waits for them. SIGCHLD must
// not be ignored here, or jetonctl does not learn how the command ended.
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

  // Sends the signal to the group, or only to the command if it shares our group.
  void signal(int number) const;
  [[nodiscard]] bool has_own_group() const { return own_group_; }
  // Kills the processes that the ended command has left behind.
  void end_what_is_left() const;
  // Its exit status, or 128 + signal; nothing: it runs. If other code has taken the status, prints a message and
  // returns Exit::run_failed. It also reaps all other children that have ended: call it after each SIGCHLD.
  [[nodiscard]] std::optional<int> status();

 private:
  void note_end(int raw);

  pid_t pid_ = -1;
  bool own_group_ = false;
  std::set<pid_t> of_others_;  // children that this process had before
  std::optional<int> status_;
};

}  // namespace jeton::ctl
