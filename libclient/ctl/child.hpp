// Child: a command that runs for this process: started, sent signals, ended.
//
// The command leads a process group of its own, so that its descendants end with it. But if this process has a
// terminal, on stdin or because it is in the foreground, the command stays in this process's group: in another group it
// would be stopped as soon as it reads a password from the terminal; and in this group the terminal's signals reach it
// by themselves, and a shell that moves this process between foreground and background moves the command with it. The
// kernel kills the command when this process dies, however that happens. Processes that it has started and left behind
// become children of this process (PR_SET_CHILD_SUBREAPER), which waits for them. SIGCHLD must not be ignored here, or
// jetonctl does not learn how the command ended.
#pragma once

#include <sys/signalfd.h>
#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libclient/ctl/inherited_state.hpp"

namespace jeton::ctl {

// The things that a command is given besides its arguments.
struct Given {
  std::vector<std::pair<std::string, std::string>> env{};  // added to the environment
  std::vector<std::pair<int, int>> descriptors{};          // open here, and its number there
};

class Child {
 public:
  // The ends of a command that cannot be run, as in a shell.
  static constexpr int not_runnable = 126;
  static constexpr int not_found = 127;

  // `argv`: the command. It gets `inherited` back. Throws Failure if the system has no process left; a command that
  // cannot be run ends with not_found, or not_runnable if it exists.
  Child(const std::vector<std::string>& argv, const Given& given, const InheritedState& inherited);
  ~Child();  // kills it, if it runs
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Sends the signal to the group, or only to the command if it shares our group.
  void signal(int number) const;
  // The same with a signal that this process was sent, unless the terminal has sent it to the command as well; not
  // SIGCHLD. SIGCONT follows one that ends a process: a stopped one could not end.
  void pass_on(const signalfd_siginfo& sent) const;
  // To the command alone.
  void signal_command(int number) const;

  // The processes that the ended command has left behind: those of its group, and those that came to this process.
  // Also waits for those that have ended by now.
  [[nodiscard]] bool has_left_any() const;
  void signal_what_is_left(int number) const;
  // Kills them.
  void end_what_is_left() const;
  // Its exit status, or 128 + signal; nothing: it runs. Prints a message if it was stopped because it wants the
  // terminal. If other code has taken the status, prints a message and returns Exit::run_failed. It also reaps all
  // other children that have ended: call it after each SIGCHLD.
  [[nodiscard]] std::optional<int> status();

 private:
  void note_end(int raw);
  void tell_of_stop(int number) const;
  [[nodiscard]] std::vector<pid_t> left_behind() const;

  pid_t pid_ = -1;
  bool own_group_ = false;
  std::set<pid_t> of_others_;  // children that this process had before
  std::optional<int> status_;
};

}  // namespace jeton::ctl
