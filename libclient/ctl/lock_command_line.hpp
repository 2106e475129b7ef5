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

// The command that was given leaves its part of `draft` in `chosen`. Both outlive the app.
void add_lock_commands(CLI::App& app, LockDraft& draft, std::optional<Command>& chosen);
// Whether the command is `lock run`, whose own failures have a status of their own. `app` has parsed the command line.
[[nodiscard]] bool is_lock_run(const CLI::App& app);

// All words after the first -- behind `lock run` are the command, also if they look like options. Returns the number of
// words before it.
[[nodiscard]] int cut_off_command(int argc, const char* const* argv, std::vector<std::string>& command);

}  // namespace jeton::ctl
