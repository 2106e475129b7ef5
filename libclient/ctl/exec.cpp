// jetonctl exec: a command that is given tokens, and hears of their changes.
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "libclient/ctl/child.hpp"
#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/exec_timing.hpp"
#include "libclient/ctl/exec_tokens.hpp"
#include "libclient/ctl/handover.hpp"
#include "libclient/ctl/signals.hpp"

namespace jeton::ctl {
namespace {

// Changes are heard of at once, unless the agent is killed while it writes one.
constexpr std::int64_t look_again_ms = 10'000;
constexpr std::int64_t look_for_processes_ms = 100;

class ExecRun {
 public:
  ExecRun(const Common& common, const ExecOptions& options)
      : inherited_(common.inherited),
        options_(options),
        signals_(common.inherited),
        tokens_(common.dir, options.names),
        changes_(options.settle, options.splay) {}

  Exit to_its_end() {
    for (std::optional<Milliseconds> patience = options_.timeout;; patience.reset()) {
      Child child(options_.command, await_tokens(patience)->given(), inherited_);
      const std::int64_t started_ms = boot_ms_now();
      if (!hears_changes() && !options_.restart_on_failure) tokens_.stop_listening();
      follow(child);
      const int status = *child.status();
      if (!starts_again(status)) return static_cast<Exit>(status);
      end_what_is_left(child);
      if (asked_to_end_) return static_cast<Exit>(status);
      if (!stopping_) pause_after(status, boot_ms_now() - started_ms);
    }
  }

 private:
  [[nodiscard]] bool hears_changes() const { return options_.restart_on_change || options_.signal_on_change; }
  [[nodiscard]] double draw() { return std::uniform_real_distribution<>(0, 1)(random_); }

  // Until all are valid.
  std::unique_ptr<Handover> await_tokens(const std::optional<Milliseconds>& patience) {
    const Deadline deadline(patience);
    for (bool said = false;;) {
      end_by_signal();
      auto handover = std::make_unique<Handover>(options_);
      const auto not_valid = tokens_.give(*handover);
      if (!not_valid) return handover;
      if (deadline.passed()) {
        const std::string waited = patience->count() > 0 ? "waited " + duration_text(patience->count()) + ": " : "";
        throw Failure(Exit::not_obtained, waited + tokens_.why(*not_valid, deadline));
      }
      if (!std::exchange(said, true)) say(tokens_.why(*not_valid, deadline) + "; waiting");
      wait_until(boot_ms_now() + std::min(deadline.remaining().value_or(Milliseconds::max()).count(), look_again_ms));
    }
  }

  // From its start to its end.
  void follow(Child& child) {
    stopping_ = killed_ = false;
    changes_.reset();
    seen_.clear();
    for (;;) {
      hear_signals(&child);
      if (child.status()) return;
      wait_until(stopping_ ? see_to_the_stop(child) : see_to_changes(child));
    }
  }

  // SIGHUP of the kernel is the end of the terminal. That of a process asks a command to read its files again; during a
  // restart the next command does so anyway.
  [[nodiscard]] bool asks_for_a_reload(const signalfd_siginfo& signal, bool has_command) const {
    return signal.ssi_signo == SIGHUP && signal.ssi_code != SI_KERNEL && (has_command || stopping_);
  }

  // `running`: null while only processes run that the command has left behind.
  void hear_signals(const Child* running) {
    while (const auto signal = signals_.next()) {
      if (running != nullptr) running->pass_on(*signal);
      const auto number = static_cast<int>(signal->ssi_signo);
      const bool ends = number == SIGTERM || number == SIGINT || number == SIGQUIT || number == SIGHUP;
      asked_to_end_ |= ends && !asks_for_a_reload(*signal, running != nullptr);
      // After a Ctrl-Z the command, which was stopped as well, has its whole grace again.
      if (number == SIGCONT) grace_ends_ms_ = boot_ms_now() + options_.grace.count();
    }
  }

  // The same before a command is started.
  void end_by_signal() const {
    while (const auto signal = signals_.next()) {
      const auto number = static_cast<int>(signal->ssi_signo);
      const bool for_a_command = number == SIGUSR1 || number == SIGUSR2 || number == SIGWINCH || number >= SIGRTMIN;
      if (number == SIGCHLD || number == SIGCONT || for_a_command) continue;
      if (!asks_for_a_reload(*signal, false)) die_of(number);
    }
  }

  // Returns when to look again. While one token is not valid no command could be started, and the one that runs stays.
  // A command that goes on after a Ctrl-C is not restarted, but it still hears of changes by its signal.
  std::int64_t see_to_changes(const Child& child) {
    const std::int64_t later_ms = boot_ms_now() + look_again_ms;
    if (!hears_changes() || (asked_to_end_ && options_.restart_on_change)) return later_ms;
    const auto now = tokens_.generations();
    if (!now || *now == tokens_.given()) return later_ms;
    if (*now != seen_) {
      seen_ = *now;
      changes_.note(boot_ms_now(), draw());
    }
    if (boot_ms_now() < *changes_.due_ms()) return std::min(*changes_.due_ms(), later_ms);
    act(child, *now);
    return boot_ms_now();
  }

  void act(const Child& child, const ExecTokens::Generations& now) {
    const std::string what = tokens_.change_text(now);
    changes_.reset();
    tokens_.mark_given(now);
    if (options_.signal_on_change) {
      say(what + "; sending the command " + signal_name(*options_.signal_on_change));
      child.signal_command(*options_.signal_on_change);
      return;
    }
    say(what + "; restarting the command");
    child.signal(options_.stop_signal);
    child.signal(SIGCONT);  // a stopped one could not end
    stopping_ = true;
    grace_ends_ms_ = boot_ms_now() + options_.grace.count();
  }

  // Returns when to look again.
  std::int64_t see_to_the_stop(const Child& child) {
    if (!killed_ && boot_ms_now() >= grace_ends_ms_) {
      say("the command did not end within " + duration_text(options_.grace.count()) + "; killing it");
      child.signal(SIGKILL);
      killed_ = true;
    }
    return killed_ ? boot_ms_now() + look_again_ms : grace_ends_ms_;
  }

  [[nodiscard]] bool starts_again(int status) const {
    if (asked_to_end_) return false;
    const bool hung_up = status == 128 + SIGHUP;
    if (stopping_) return !hung_up || options_.stop_signal == SIGHUP;
    const bool ran = status < static_cast<int>(Exit::run_failed) || status > Child::not_found;
    return options_.restart_on_failure && status != 0 && !hung_up && ran;
  }

  // They have the old token, and what the next command needs: its port, its files.
  void end_what_is_left(const Child& child) {
    if (!child.has_left_any()) return;
    child.signal_what_is_left(options_.stop_signal);
    child.signal_what_is_left(SIGCONT);
    grace_ends_ms_ = boot_ms_now() + options_.grace.count();
    while (child.has_left_any() && boot_ms_now() < grace_ends_ms_) {
      hear_signals(nullptr);
      wait_until(boot_ms_now() + look_for_processes_ms);
    }
    child.end_what_is_left();
  }

  void pause_after(int status, std::int64_t ran_ms) {
    const std::int64_t pause_ms = pauses_.after(ran_ms, draw());
    say("the command ended with status " + std::to_string(status) + " after " + duration_text(ran_ms) +
        "; starting it again in " + duration_text(pause_ms));
    const std::int64_t end_ms = boot_ms_now() + pause_ms;
    while (boot_ms_now() < end_ms) {
      end_by_signal();
      wait_until(end_ms);
    }
  }

  // A signal, or a token that may have changed, ends the wait.
  void wait_until(std::int64_t at_ms) {
    std::vector<pollfd> ready{{signals_.fd(), POLLIN, 0}};
    tokens_.add_to(ready);
    const std::int64_t left_ms = std::clamp<std::int64_t>(at_ms - boot_ms_now(), 0, look_again_ms);
    ::poll(ready.data(), ready.size(), static_cast<int>(left_ms));
    tokens_.clear();
  }

  const InheritedState& inherited_;
  const ExecOptions& options_;
  const Signals signals_;
  ExecTokens tokens_;
  ExecTokens::Generations seen_;
  ChangeTimer changes_;
  RestartPause pauses_;
  std::random_device random_;
  bool asked_to_end_ = false;  // by a signal that was passed on
  bool stopping_ = false;      // for a restart, until the next command has started
  bool killed_ = false;
  std::int64_t grace_ends_ms_ = 0;  // of the command, then of what it has left behind
};

}  // namespace

Exit run_exec(const Common& common, const ExecOptions& options) {
  try {
    return ExecRun(common, options).to_its_end();
  } catch (const Failure& failure) {
    throw Failure(failure.exit() == Exit::not_obtained ? Exit::not_obtained : Exit::run_failed, failure.what());
  } catch (const std::exception& e) {
    throw Failure(Exit::run_failed, e.what());
  }
}

}  // namespace jeton::ctl
