// Hook: follows changes of outputs with on_change. Outputs with the same on_change share one, so that several files of
// one program are one reload.
//
// A run comes after all writes that have begun; changes during a run lead to another one, min_interval after it began.
// A run that fails is tried again with growing pauses. That a change of an output is to be followed is marked by a file
// before the change, so that it outlives the agent, however that dies, and an on_change that did not work until it was
// corrected: a run may come twice, and is never left out. (The mark is in the runtime directory: after a reboot every
// program has read the new file anyway.)
//
// One thread: the loop's.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/outputs/blocking_calls.hpp"
#include "agent/outputs/hook_runner.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

class OutputTokens;

// The tools of outputs and their hooks. All outlive them.
struct OutputParts {
  Timers& timers;
  Random& random;
  BlockingCalls& calls;
  HookRunner& hooks;
  const OutputTokens& tokens;
  Event& changed;                   // notified at every change of a status
  std::filesystem::path directory;  // the runtime directory
};

// The mark of an output.
[[nodiscard]] std::filesystem::path mark_of(const OutputParts& parts, const std::filesystem::path& output);
void remove_mark(const std::filesystem::path& mark);

class Hook {
 public:
  Hook(HookConfig config, const OutputParts& parts, SecretsOfHook secrets);

  // While one lives, an output is being changed.
  class Writing {
   public:
    explicit Writing(Hook& hook);
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
    ~Writing();

   private:
    Hook& hook_;
  };

  // The output with this mark has this on_change from now on; a run is due if the mark is set.
  void follow(const std::filesystem::path& mark);
  // It has another one; or a write has begun, whose mark is not removed before the write went well. True: it was
  // followed.
  bool leave(const std::filesystem::path& mark) { return marks_.erase(mark) > 0; }
  // After a write that went well, or found nothing to change: a run is due if it has `changed` the file, or if there is
  // a mark, which may be of a write whose end was not seen; `was_followed`: of no such write.
  void wrote(bool changed, const std::filesystem::path& mark, bool was_followed);
  // Until cancelled, or the end of one that no output has any more.
  Task<> run();
  // `unused`: no output has it any more. Then it makes the run that is due, if any, and ends. A later change is none of
  // its own.
  void retire(bool unused);
  [[nodiscard]] bool retired() const { return retired_; }
  // A reload has taken it out of the configuration: a run that is due is not made. One that runs may end.
  void forget_run() { due_ = false; }
  [[nodiscard]] bool ended() const { return ended_; }

  [[nodiscard]] const HookConfig& config() const { return config_; }
  [[nodiscard]] HookStatus status() const;

 private:
  void note(const std::string& failure);
  [[nodiscard]] SecretsOfHook known_secrets() const;
  void remove_marks() const;

  const HookConfig config_;
  const OutputParts parts_;
  const SecretsOfHook secrets_;
  std::set<std::filesystem::path> marks_;  // of its outputs, but for those whose last write did not go well
  Event wake_;
  Backoff backoff_;
  HookStatus status_;
  int writing_ = 0;
  bool due_ = false;
  bool running_ = false;
  bool retired_ = false;
  bool ended_ = false;
  BootTime not_before_{};
};

}  // namespace jeton::agent
