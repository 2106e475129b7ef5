// The command line of jetonctl exec.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <set>

#include "libclient/ctl/handover.hpp"
#include "libclient/ctl/options.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

constexpr const char* exec_statuses =
    "--dir is allowed here too; see jetonctl --help.\n"
    "Exit status: that of CMD; 124 no valid token in time, 125 jetonctl failed,\n"
    "126 CMD cannot be run, 127 CMD not found.";

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin != std::string::npos;) {
    const std::size_t comma = list.find(',', begin);
    names.push_back(list.substr(begin, comma - begin));
    begin = comma == std::string::npos ? comma : comma + 1;
  }
  return names;
}

bool is_variable(const std::string& text) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) == 0 &&
         std::all_of(text.begin(), text.end(), allowed);
}

// Which token each variable has. No variable may have two.
class Variables {
 public:
  explicit Variables(ExecOptions& options) : options_(options) {}

  void take_name(const std::string& name) {
    if (!is_token_name(name)) {
      throw CLI::ValidationError("NAME", "'" + name +
                                             "' is not a token name: use letters, digits, '.', '_' and '-', "
                                             "and a comma between two names");
    }
    if (!used_.insert(variable_of(generation_variable, name)).second) {
      throw CLI::ValidationError("NAME", "'" + name + "' and another token of the list would share their variables");
    }
    options_.names.push_back(name);
  }
  void take_assignment(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::string variable = text.substr(0, equals);
    if (equals == std::string::npos || !is_variable(variable)) {
      throw CLI::ValidationError("--env", "'" + text + "' is not VAR=NAME: a variable and the token that it has");
    }
    const std::string name = text.substr(equals + 1);
    if (std::find(options_.names.begin(), options_.names.end(), name) == options_.names.end()) {
      throw CLI::ValidationError("--env", "'" + text + "': this token is not one of NAME; write it there too");
    }
    give(variable, name);
  }
  // The tokens without another place.
  void take_defaults() {
    for (const std::string& name : options_.names) {
      const auto has_it = [&](const auto& pair) { return pair.second == name; };
      if (std::none_of(options_.env.begin(), options_.env.end(), has_it)) give(variable_of(token_variable, name), name);
    }
  }

 private:
  void give(const std::string& variable, const std::string& name) {
    if (!used_.insert(variable).second) {
      throw CLI::ValidationError("--env", "the variable '" + variable + "' is needed twice");
    }
    options_.env.emplace_back(variable, name);
  }

  ExecOptions& options_;
  std::set<std::string> used_;
};

ExecOptions checked(const ExecDraft& draft, const std::vector<std::string>& command) {
  ExecOptions options = draft.options;
  options.command = command;
  if (command.empty()) throw CLI::ValidationError("exec", "there is no command; write it after --");
  Variables variables(options);
  for (const std::string& name : split(draft.names)) variables.take_name(name);
  for (const std::string& text : draft.env) variables.take_assignment(text);
  if (!options.fd && !options.on_stdin) variables.take_defaults();
  const auto more = static_cast<int>(std::min<std::size_t>(options.names.size() - 1, last_descriptor));
  if (options.fd && *options.fd > last_descriptor - more) {
    throw CLI::ValidationError("--fd", "the last token would be above " + std::to_string(last_descriptor));
  }
  return options;
}

}  // namespace

void add_exec_command(CLI::App& app, ExecDraft& draft, const std::vector<std::string>& command,
                      std::optional<Command>& chosen) {
  ExecOptions& options = draft.options;
  CLI::App* exec = app.add_subcommand("exec", "Run a command with tokens: exec NAME -- CMD");
  exec->fallthrough();
  exec->footer(exec_statuses);
  exec->add_option("NAME", draft.names, "The token, or several with commas between them")->type_name("")->required();
  exec->add_option("--env", draft.env, "The variable of a token [JETON_TOKEN_ and NAME]")
      ->type_name("VAR=NAME")
      ->allow_extra_args(false);
  CLI::Option* fd = add_descriptor(exec, "--fd", options.fd, "The descriptor with the token; the others follow");
  exec->add_flag("--stdin", options.on_stdin, "The token is a line on stdin")->excludes(fd);
  add_duration(exec, "--timeout", options.timeout, "Wait this long for valid tokens [without limit]");
  CLI::Option* restart =
      exec->add_flag("--restart-on-change", options.restart_on_change, "Start CMD again with the new token");
  add_signal(exec, "--signal-on-change", options.signal_on_change, "Send CMD this signal, and nothing else")
      ->excludes(restart);
  exec->add_flag("--restart-on-failure", options.restart_on_failure, "Start CMD again if it ends with a status not 0");
  add_duration(exec, "--settle", options.settle, "Act when no token has changed for this time [1s]");
  add_duration(exec, "--splay", options.splay, "And at random up to this time later [0s]");
  add_signal(exec, "--stop-signal", options.stop_signal, "What ends CMD for a restart [TERM]");
  add_duration(exec, "--grace", options.grace, "Time from it to SIGKILL [10s]");
  exec->callback([&draft, &command, &chosen] { chosen = checked(draft, command); });
}

}  // namespace jeton::ctl
