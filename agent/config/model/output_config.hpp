// The outputs of a token: files that the agent writes from it, and what follows a change of one. Plain values.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/config/text/output_template.hpp"

namespace jeton::agent {

struct CommandHook {
  std::vector<std::string> argv;
  bool operator==(const CommandHook&) const = default;
};
struct ReloadHook {
  std::string unit;  // of systemd
  bool operator==(const ReloadHook&) const = default;
};
struct SignalHook {
  std::filesystem::path pid_file;
  int number = 0;
  std::string name;  // HUP
  bool operator==(const SignalHook&) const = default;
};

// tokens.NAME.outputs.on_change
struct HookConfig {
  std::variant<CommandHook, ReloadHook, SignalHook> action;
  Milliseconds timeout{30'000};
  Milliseconds min_interval{10'000};  // between the starts of two runs
  bool operator==(const HookConfig&) const = default;
};

// One item of tokens.NAME.outputs
struct OutputConfig {
  std::filesystem::path path;  // absolute
  OutputTemplate content;
  mode_t mode = 0600;
  std::string owner;            // empty: the agent's user
  std::string group;            // empty: the agent's, or that of a directory with the set-group-ID bit
  bool remove_expired = false;  // on_expiry: remove
  std::optional<HookConfig> on_change;
  bool operator==(const OutputConfig&) const = default;
};

}  // namespace jeton::agent
