// tokens.NAME.outputs: files that are written from the token, and what follows a change.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <utility>

#include "agent/base/ascii.hpp"
#include "agent/base/error.hpp"
#include "agent/config/schema/schema.hpp"
#include "agent/config/secrets/secret_file.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view bare_value = "{{ value }}\n";

// A path that says where it leads: the agent follows no link on the way either (agent/outputs/output_file.hpp).
void read_plain_path(const ValueReader& value, std::filesystem::path& out) {
  const auto text = value.text();
  if (!text) return;
  const std::filesystem::path path(*text);
  if (!path.is_absolute() || path != path.lexically_normal() || !path.has_filename()) {
    value.refuse(": expected the absolute path of a file, without . and ..; got " + in_quotes(*text));
    return;
  }
  if (!why_hidden(*text).empty()) {
    value.refuse(": the unit of the service hides the folder of " + in_quotes(*text) +
                 " (PrivateTmp=, ProtectHome= or InaccessiblePaths=); choose another, or change that in a drop-in");
  }
  out = path;
}

void read_content(const ValueReader& value, OutputTemplate& out) {
  const auto text = value.lines();
  try {
    out = OutputTemplate::parse(text ? *text : std::string(bare_value));
  } catch (const Error& e) {
    value.refuse(std::string(", ") + e.what());
  }
}

// Octal digits, as chmod(1) takes them.
void read_mode(const ValueReader& value, mode_t& out) {
  const auto text = value.text();
  if (!text) return;
  const bool octal = text->size() >= 3 && text->size() <= 4 &&
                     std::all_of(text->begin(), text->end(), [](char c) { return c >= '0' && c <= '7'; });
  const mode_t mode = octal ? static_cast<mode_t>(std::stoul(*text, nullptr, 8)) : 0;
  if (!octal || (mode & 0400) == 0 || (mode & 07133) != 0) {
    value.refuse(
        ": expected an octal mode such as 0600 or 0640, which lets the owner read, and no other user write; got " +
        in_quotes(*text));
    return;
  }
  if ((mode & S_IROTH) != 0) {
    value.warn(" lets every user of this host read the token; set a group and 0640");
  }
  out = mode;
}

void read_account(const ValueReader& value, AccountReference::Kind kind, Reading& reading, std::string& out) {
  const auto name = value.text();
  if (!name) return;
  out = *name;
  reading.accounts.push_back({value.place(), kind, *name});
}

bool is_unit_name(const std::string& name) {
  return !name.starts_with('-') && std::all_of(name.begin(), name.end(), [](char c) {
    return is_ascii_alphanumeric(c) || std::string_view(":-_.\\@").find(c) != std::string_view::npos;
  });
}

constexpr std::array<std::pair<std::string_view, int>, 5> signals{
    {{"HUP", SIGHUP}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH}, {"TERM", SIGTERM}}};

// Exactly one of the three says what is done.
HookConfig read_hook(ObjectReader hook, Reading& reading) {
  HookConfig config;
  const ValueReader command = hook.at("command");
  const ValueReader reload = hook.at("reload");
  const ValueReader signal = hook.at("signal");
  const ValueReader pid_file = hook.at("pid_file");
  CommandHook run{read_command(command, "let the program read the file of the output", reading)};
  ReloadHook unit;
  assign(unit.unit, reload.text());
  if (!is_unit_name(unit.unit)) reload.refuse(": " + in_quotes(unit.unit) + " is not the name of a unit");
  SignalHook sent;
  assign(sent.number, signal.choice<int>(signals));
  for (const auto& [name, number] : signals) {
    if (number == sent.number) sent.name = name;
  }
  read_plain_path(pid_file, sent.pid_file);
  assign(config.timeout, hook.at("timeout").duration(100ms, 1h));
  assign(config.min_interval, hook.at("min_interval").duration(0ms, 24h));
  const int ways = int{command.present()} + int{reload.present()} + int{signal.present()};
  if (hook.present() && ways != 1) {
    reading.problems.error(hook.place(), hook.path() + ": set exactly one of command, reload and signal");
  }
  if (signal.present() != pid_file.present()) {
    (signal.present() ? signal : pid_file).error(hook.path() + ": signal and pid_file go together");
  }
  hook.finish();
  if (command.present()) {
    config.action = std::move(run);
  } else if (reload.present()) {
    config.action = std::move(unit);
  } else {
    config.action = std::move(sent);
  }
  return config;
}

OutputConfig read_output(ObjectReader output, const std::string& token, Reading& reading) {
  OutputConfig config;
  const ValueReader path = output.required("path");
  const ValueReader content = output.at("template");
  const ValueReader on_change = output.at("on_change");
  read_plain_path(path, config.path);
  read_content(content, config.content);
  read_mode(output.at("mode"), config.mode);
  read_account(output.at("owner"), AccountReference::Kind::user, reading, config.owner);
  read_account(output.at("group"), AccountReference::Kind::group, reading, config.group);
  assign(config.remove_expired, output.at("on_expiry").choice<bool>({{"keep", false}, {"remove", true}}));
  HookConfig hook = read_hook(on_change.object(), reading);
  if (on_change.present()) config.on_change = std::move(hook);
  output.finish();
  if (!config.path.empty()) {
    reading.outputs.push_back({path.place(), content.place(), token, config.path, config.content.others()});
  }
  return config;
}

}  // namespace

std::vector<OutputConfig> read_outputs(const ValueReader& outputs, const std::string& token, Reading& reading) {
  std::vector<OutputConfig> result;
  for (const ValueReader& item : outputs.items()) result.push_back(read_output(item.object(), token, reading));
  return result;
}

void check_outputs(const std::vector<OutputReference>& references, const Config& config, Problems& problems) {
  std::map<std::filesystem::path, const OutputReference*> taken;
  for (const OutputReference& output : references) {
    const std::string path = in_quotes(output.path.string());
    const auto [other, is_first] = taken.emplace(output.path, &output);
    if (!is_first) {
      problems.error(output.place,
                     path + " is already the path of another output (" + other->second->place.text() + ")");
    }
    for (const std::filesystem::path& own : {config.agent.runtime_dir, state_dir_of(config.agent)}) {
      if (output.path != own && !is_below(output.path, own)) continue;
      problems.error(output.place,
                     path + " is in a directory of the agent's own, " + own.string() + "; choose another");
    }
    for (const std::string& name : output.others) {
      if (config.tokens.contains(name)) continue;
      problems.error(output.template_place,
                     "the template names the token " + in_quotes(name) + ", and there is no token with that name");
    }
  }
}

}  // namespace jeton::agent
