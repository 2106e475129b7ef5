// The command line of jetonctl lock.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "libclient/ctl/commands.hpp"

namespace jeton::ctl {

struct LockCommandLine {
  LockRunOptions run;
  LockAcquireOptions acquire;
  LockExtendOptions extend;
  LockReleaseOptions release;
  LockShowOptions show;
  CLI::App* run_command = nullptr;
  // `lock run` was meant, whose own failures have a status of their own.
  [[nodiscard]] bool is_run() const { return run_command != nullptr && run_command->parsed(); }
};

// `chosen` is set to what the command line asks for. Both outlive the app.
void add_lock_commands(CLI::App& app, LockCommandLine& line, std::function<Exit(const Common&)>& chosen);

// What follows the first -- behind `lock run` is the command, whatever it looks like. Returns how many words are ours.
[[nodiscard]] int cut_off_command(int argc, char** argv, std::vector<std::string>& command);

// An option that takes a duration.
template <typename Target>
CLI::Option* add_duration(CLI::App* command, const std::string& name, Target& target, const std::string& help) {
  return command
      ->add_option_function<std::string>(
          name,
          [&target, name](const std::string& text) {
            const auto duration = parse_duration(text);
            if (!duration)
              throw CLI::ValidationError(name, "'" + text + "' is not a duration; write 500ms, 30s, 5m, 24h or 7d");
            target = *duration;
          },
          help)
      ->type_name("D");
}

}  // namespace jeton::ctl
