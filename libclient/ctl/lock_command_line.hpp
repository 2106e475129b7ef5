// The command line of jetonctl lock.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libclient/ctl/command_line.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace jeton::ctl {

struct LockDraft {
  LockRunOptions run;
  LockAcquireOptions acquire;
  LockExtendOptions extend;
  LockReleaseOptions release;
  LockShowOptions show;
};

// The lock command that was given leaves its part of `draft` in `chosen`; `command` is what follows --. All of them
// outlive the app.
void add_lock_commands(CLI::App& app, LockDraft& draft, const std::vector<std::string>& command,
                       std::optional<Command>& chosen);
// Whether the command is `lock run`, whose own failures have a status of their own. `app` has parsed the command line.
[[nodiscard]] bool is_lock_run(const CLI::App& app);

}  // namespace jeton::ctl
