// Hook: follows changes of outputs with on_change. Outputs with the same on_change share one, so that several files of
// one program are one reload.
//
// A run comes after all writes that have begun; changes during a run lead to another one, min_interval after it began.
// A run that fails is tried again with growing pauses. That a run is owed is marked by a file before the output is
// changed, so that it outlives the agent, however that dies: a run may come twice, and is never left out. (The mark is
// in the runtime directory: after a reboot every program has read the new file anyway.)
//
// One thread: the loop's.
#pragma once

#include <filesystem>
#include <string>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/outputs/blocking_calls.hpp"
#include "agent/outputs/hook_runner.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

class OutputTokens;

// What outputs and their hooks work with. All outlive them.
struct OutputParts {
  Timers& timers;
  Random& random;
  BlockingCalls& calls;
  HookRunner& hooks;
  const OutputTokens& tokens;
  Event& changed;                   // notified at every change of a status
  std::filesystem::path directory;  // the runtime directory
};

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

  // After a write that went well, or found nothing to change: a run is due if there is a mark. The mark may be of a
  // write during which the agent died.
  void wrote();
  // Until cancelled, or the end of one that no output has any more.
  Task<> run();
  // `unused`: no output has it any more. Then it makes the run that is due, if any, and ends.
  void retire(bool unused);
  [[nodiscard]] bool ended() const { return ended_; }

  [[nodiscard]] const HookConfig& config() const { return config_; }
  [[nodiscard]] const std::filesystem::path& mark() const { return mark_; }
  [[nodiscard]] HookStatus status() const;

 private:
  void note(const std::string& failure);
  [[nodiscard]] bool is_marked() const;
  void remove_mark() const;

  const HookConfig config_;
  const OutputParts parts_;
  const SecretsOfHook secrets_;
  const std::filesystem::path mark_;
  Event wake_;
  Backoff backoff_;
  HookStatus status_;
  int writing_ = 0;
  bool due_ = false;
  bool retired_ = false;
  bool ended_ = false;
  BootTime not_before_{};
};

}  // namespace jeton::agent
