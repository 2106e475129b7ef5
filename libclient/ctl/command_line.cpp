#include "libclient/ctl/command_line.hpp"

#include <jeton/jeton.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libclient/ctl/options.hpp"

namespace jeton::ctl {
namespace {

constexpr std::size_t longest_message = 400;
constexpr const char* everywhere = "--dir and --format are allowed here too; see jetonctl --help.\n";
constexpr const char* exit_statuses =
    "Exit status: 0 done, 1 usage or local error, 2 agent unreachable or refused,\n"
    "3 no valid token, 4 timed out. Durations: 500ms, 30s, 5m, 24h, 7d.";
constexpr const char* doctor_statuses =
    "--dir and --format are allowed here too; see jetonctl --help.\n"
    "Exit status: 0 no problem was found, 1 usage or local error, 6 a problem was found.";
constexpr const char* commands =
    "get, status, doctor, history, names, watch, wait, rejected, refresh, log-level, exec and lock";
constexpr const char* lock_commands = "run, acquire, extend, release and show";

// The targets of the options. The given command moves its own options to `line`.
struct Draft {
  GetOptions get;
  StatusOptions status;
  HistoryOptions history;
  std::string named;  // tokens or locks
  LogLevelOptions log_level;
  WatchOptions watch;
  WaitOptions wait;
  RejectedOptions rejected;
  RefreshOptions refresh;
  ExecDraft exec;
  LockDraft lock;
  std::vector<std::string> command;  // what follows --
  CommandLine line;
};

CLI::App* add_command(CLI::App& app, const char* name, const char* help, std::string& token, bool required) {
  CLI::App* command = app.add_subcommand(name, help);
  command->fallthrough();  // --dir and --format may also follow the command
  command->footer(std::string(everywhere) + exit_statuses);
  auto* option = command->add_option("NAME", token, "The token's name in the agent's configuration")->type_name("");
  if (required) option->required();
  option->check([](const std::string& text) { return text.empty() ? "'' is not a token name" : std::string(); });
  return command;
}

void add_reading_commands(CLI::App& app, Draft& draft) {
  CLI::App* get = add_command(app, "get", "Print a token; works without the agent", draft.get.name, true);
  add_duration(get, "--min-ttl", draft.get.min_ttl, "Treat a token that expires sooner as not valid");
  add_duration(get, "--wait", draft.get.wait, "Wait this long for a valid token");
  get->add_flag("--header", draft.get.header, "Print 'Authorization: TYPE TOKEN'");
  get->callback([&draft] { draft.line.command = draft.get; });

  CLI::App* status =
      add_command(app, "status", "Show the agent and its tokens, or one token", draft.status.name, false);
  status->callback([&draft] { draft.line.command = draft.status; });

  CLI::App* doctor = app.add_subcommand("doctor", "Find out what is wrong and what to type (as root)");
  doctor->fallthrough();
  doctor->footer(doctor_statuses);
  doctor->callback([&draft] { draft.line.command = DoctorOptions{}; });

  CLI::App* history = add_command(app, "history", "Show the last events of a token", draft.history.name, true);
  history->callback([&draft] { draft.line.command = draft.history; });

  CLI::App* names = app.add_subcommand("names", "Print the names of tokens or locks, for completion");
  names->fallthrough();
  names->footer(std::string(everywhere) + exit_statuses);
  names->add_option("KIND", draft.named, "tokens or locks")
      ->type_name("")
      ->required()
      ->check([](const std::string& kind) {
        return kind == "tokens" || kind == "locks" ? std::string()
                                                   : "'" + kind + "' is not a kind; write tokens or locks";
      });
  names->callback([&draft] { draft.line.command = NamesOptions{draft.named == "locks"}; });

  CLI::App* watch = add_command(app, "watch", "Print a line per change of a token", draft.watch.name, true);
  watch->callback([&draft] { draft.line.command = draft.watch; });

  CLI::App* wait = add_command(app, "wait", "Block until a token is valid or newer", draft.wait.name, true);
  add_generation(wait, "--after", draft.wait.after, "Until the generation is above this one");
  add_duration(wait, "--timeout", draft.wait.timeout, "Give up after this time [wait without limit]");
  wait->callback([&draft] { draft.line.command = draft.wait; });
}

void add_asking_commands(CLI::App& app, Draft& draft) {
  CLI::App* rejected =
      add_command(app, "rejected", "Report that the provider refused a token", draft.rejected.name, true);
  add_generation(rejected, "--generation", draft.rejected.generation, "The generation of the refused token")
      ->required();
  add_duration(rejected, "--wait", draft.rejected.wait, "Wait this long for a newer token");
  rejected->callback([&draft] { draft.line.command = draft.rejected; });

  CLI::App* refresh = add_command(app, "refresh", "Request a new token now (admins only)", draft.refresh.name, true);
  add_duration(refresh, "--wait", draft.refresh.wait, "Wait this long for the new token");
  refresh->callback([&draft] { draft.line.command = draft.refresh; });

  CLI::App* level = app.add_subcommand("log-level", "Show or change the level of the agent's log (admins)");
  level->fallthrough();
  level->footer(std::string(everywhere) + exit_statuses);
  level->add_option("LEVEL", draft.log_level.level, "trace, debug, info, warning or error")
      ->type_name("")
      ->check([](const std::string& text) {
        const auto known = {"trace", "debug", "info", "warning", "error"};
        return std::find(known.begin(), known.end(), text) != known.end()
                   ? std::string()
                   : "'" + text + "' is not a level; write trace, debug, info, warning or error";
      });
  level->callback([&draft] { draft.line.command = draft.log_level; });
}

// `lock run` and `exec`.
bool runs_command(const CLI::App& app) { return is_lock_run(app) || app.get_subcommand("exec")->parsed(); }

// CLI11 itself only says that a command is missing when it is misspelt, or that a word was not expected where `--` was
// forgotten. `has_command`: there was a `--`.
std::string usage_error(const CLI::App* app, const CLI::Error& error, bool has_command) {
  std::string what = error.what();
  const CLI::App* const lock = app->get_subcommand("lock");
  const bool of_lock = lock->parsed() && lock->get_subcommands().empty();
  const auto extras = app->remaining(true);
  const std::string first = extras.empty() ? std::string() : extras.front();
  const bool option = first.starts_with('-');
  if (of_lock || app->get_subcommands().empty()) {
    const std::string list = of_lock ? lock_commands : commands;
    const std::string group = of_lock ? "lock " : "";
    if (option) {
      what = "no option '" + first + "'";
    } else if (!first.empty()) {
      what = "no command '" + group + first + "'; the commands are " + list;
    } else if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
      what = "there is no command; the commands " + (of_lock ? std::string("of lock ") : std::string()) + "are " + list;
    }
  } else if (!first.empty() && !option && !has_command && runs_command(*app)) {
    what = "'" + first + "' was not expected; write -- before the command";
  }
  return "jetonctl: " + shortened(printable(what), longest_message) + "\nRun jetonctl --help for more.\n";
}

// Checks that CLI11 cannot make option by option.
void check_whole(const CommandLine& line, const std::vector<std::string>& command) {
  const auto* get = std::get_if<GetOptions>(&*line.command);
  if (get != nullptr && get->header && line.format == Format::json) {
    throw CLI::ValidationError("--header", "has no JSON form");
  }
  if (!command.empty() && !std::holds_alternative<LockRunOptions>(*line.command) &&
      !std::holds_alternative<ExecOptions>(*line.command)) {
    throw CLI::ExtrasError(command);
  }
}

// The words after the first -- behind `lock run` or `exec` are the command, whatever they look like. Returns how many
// words are ours.
int cut_off_command(int argc, const char* const* argv, std::vector<std::string>& command) {
  const auto is = [](std::string_view word) { return [word](const char* a) { return word == a; }; };
  const char* const* const end = argv + argc;
  const char* const* const dashes = std::find_if(argv, end, is("--"));
  const auto lock = std::find_if(argv, dashes, is("lock"));
  const bool runs = std::find_if(lock, dashes, is("run")) != dashes || std::find_if(argv, dashes, is("exec")) != dashes;
  if (dashes == end || !runs) return argc;
  command.assign(dashes + 1, end);
  return static_cast<int>(dashes - argv);
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  Draft draft;
  CLI::App app{"Read the tokens that jeton-agent keeps for this host, and look at the agent.", "jetonctl"};
  app.set_version_flag("--version", std::string("jetonctl ") + jeton_version());
  app.add_option("--dir", draft.line.dir, "The agent's runtime_dir [$JETON_DIR or /run/jeton]")
      ->type_name("DIR")
      ->check([](const std::string& text) {
        return text.empty() ? "'' is not a directory" : std::string();  // not the usual one: a variable is not set
      });
  std::string format = "table";
  bool json = false;
  app.add_option("--format", format, "table or json [table]")->type_name("F")->check([](const std::string& text) {
    return text == "table" || text == "json" ? std::string() : "'" + text + "' is not a format; write table or json";
  });
  app.add_flag("--json", json, "The same as --format json");
  app.require_subcommand(1);
  app.failure_message([&draft](const CLI::App* where, const CLI::Error& error) {
    return usage_error(where, error, !draft.command.empty());
  });
  app.footer(exit_statuses);
  app.get_formatter()->column_width(28);
  add_reading_commands(app, draft);
  add_asking_commands(app, draft);
  add_exec_command(app, draft.exec, draft.command, draft.line.command);
  add_lock_commands(app, draft.lock, draft.command, draft.line.command);
  const int own_words = cut_off_command(argc, argv, draft.command);
  try {
    app.parse(own_words, argv);
    draft.line.format = json || format == "json" ? Format::json : Format::table;
    check_whole(draft.line, draft.command);
  } catch (const CLI::ParseError& e) {
    const bool runs = runs_command(app);
    draft.line.command.reset();
    draft.line.exit = app.exit(e, out, err) == 0 ? Exit::done : runs ? Exit::run_failed : Exit::error;
  }
  return std::move(draft.line);
}

}  // namespace jeton::ctl
