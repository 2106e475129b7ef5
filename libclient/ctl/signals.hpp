// Signals that end or concern a command, for a process that has started one or waits to start it. They are read
// from a descriptor; the others do what they always do. SIGCONT does so, too, and is read besides: the process may have
// been stopped for long.
//
// An ignored signal stays ignored: a blocked signal would be delivered nevertheless. SIGCHLD is always among them.
#pragma once

#include <signal.h>
#include <sys/signalfd.h>

#include <optional>
#include <string>
#include <string_view>

#include "libclient/ctl/inherited_state.hpp"

namespace jeton::ctl {

class Signals {
 public:
  // Throws Failure(run_failed).
  explicit Signals(const InheritedState& inherited);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::optional<signalfd_siginfo> next() const;

 private:
  sigset_t before_{};
  int fd_ = -1;
};

// Dies of it, as if it had not been caught: the parent process sees the signal.
[[noreturn]] void die_of(int number);

// "TERM", "SIGTERM" or a number; nothing for anything else.
[[nodiscard]] std::optional<int> parse_signal(std::string_view text);
// "SIGTERM".
[[nodiscard]] std::string signal_name(int number);

}  // namespace jeton::ctl
