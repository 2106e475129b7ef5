// HookRunner: performs on_change once: a command, the reload of a systemd unit, a signal. One thread: the loop's.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "agent/base/secret.hpp"
#include "agent/base/timers.hpp"
#include "agent/config/model/config.hpp"

namespace jeton::agent {

class BlockingCalls;

// Gives the secrets that must not appear in a message, such as the last output of a command. Empty: nobody knows them,
// and no message has any output.
using SecretsOfHook = std::function<std::vector<SecretString>()>;

class HookRunner {
 public:
  HookRunner() = default;
  HookRunner(const HookRunner&) = delete;
  HookRunner& operator=(const HookRunner&) = delete;
  virtual ~HookRunner() = default;

  // Throws Error that says what failed and what to do.
  virtual Task<> run(HookConfig hook, SecretsOfHook secrets) = 0;
};

// Commands run under a supervisor (agent/process/exec_run.hpp), without a right to write below `unwritable`; a process
// that one leaves behind is killed when it has ended, so none holds up the run. A unit is reloaded by systemctl, which
// asks polkit for the right; systemd goes on with a reload whose systemctl was killed at the end of its time. A process
// is signalled if its pid file is root's or the agent's, and no other user can have changed it or led its path
// elsewhere (trusted_directory.hpp).
class HostHooks final : public HookRunner {
 public:
  HostHooks(Timers& timers, BlockingCalls& calls, const std::vector<std::filesystem::path>& unwritable,
            std::string systemctl = "/usr/bin/systemctl");

  Task<> run(HookConfig hook, SecretsOfHook secrets) override;

 private:
  Timers& timers_;
  BlockingCalls& calls_;
  const std::vector<std::string> unwritable_;
  const std::string systemctl_;
};

// "reload nginx.service", "run /usr/local/bin/after", "signal HUP to /run/nginx.pid"; without the arguments of a
// command.
[[nodiscard]] std::string description_of(const HookConfig& hook);

}  // namespace jeton::agent
