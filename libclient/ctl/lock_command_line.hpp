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
// `lock run` was meant, whose own failures have a status of their own. Of an app that has parsed.
[[nodiscard]] bool is_lock_run(const CLI::App& app);

// What follows the first -- behind `lock run` is the command, whatever it looks like. Returns how many words are ours.
[[nodiscard]] int cut_off_command(int argc, const char* const* argv, std::vector<std::string>& command);

}  // namespace jeton::ctl
