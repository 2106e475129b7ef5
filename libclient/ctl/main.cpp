// jetonctl: reads tokens and looks at the agent (man page jetonctl(1)). Here only the command line; each command has a
// file of its own.
#include <jeton/jeton.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/lock_command_line.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

constexpr const char* everywhere = "--dir and --format are allowed here too; see jetonctl --help.\n";
constexpr const char* exit_statuses =
    "Exit status: 0 done, 1 usage or local error, 2 agent unreachable or refused,\n"
    "3 no valid token, 4 timed out. Durations: 500ms, 30s, 5m, 24h, 7d.";
constexpr const char* commands = "get, status, watch, wait, rejected, refresh and lock";

// The parsed command line.
struct CommandLine {
  std::string dir;
  std::string format = "table";
  GetOptions get;
  StatusOptions status;
  WatchOptions watch;
  WaitOptions wait;
  RejectedOptions rejected;
  RefreshOptions refresh;
  LockCommandLine lock;
  std::function<Exit(const Common&)> command;
};

CLI::Option* add_generation(CLI::App* command, const std::string& name, std::uint64_t& target,
                            const std::string& help) {
  return command->add_option(name, target, help)->type_name("GEN")->check([](const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size()
               ? std::string()
               : "'" + text + "' is not a generation; jetonctl status shows it";
  });
}

CLI::App* add_command(CLI::App& app, const char* name, const char* help, std::string& token, bool required) {
  CLI::App* command = app.add_subcommand(name, help);
  command->fallthrough();  // --dir and --format may also follow the command
  command->footer(std::string(everywhere) + exit_statuses);
  auto* option = command->add_option("NAME", token, "The token's name in the agent's configuration")->type_name("");
  if (required) option->required();
  return command;
}

void add_commands(CLI::App& app, CommandLine& line) {
  CLI::App* get = add_command(app, "get", "Print a token; works without the agent", line.get.name, true);
  add_duration(get, "--min-ttl", line.get.min_ttl, "Treat a token that expires sooner as not valid");
  add_duration(get, "--wait", line.get.wait, "Wait this long for a valid token");
  get->add_flag("--header", line.get.header, "Print 'Authorization: TYPE TOKEN'");
  get->callback([&line] {
    if (line.get.header && line.format == "json") throw CLI::ValidationError("--header", "has no JSON form");
    line.command = [&line](const Common& common) { return run_get(common, line.get); };
  });

  CLI::App* status = add_command(app, "status", "Show the agent and its tokens, or one token", line.status.name, false);
  status->callback(
      [&line] { line.command = [&line](const Common& common) { return run_status(common, line.status); }; });

  CLI::App* watch = add_command(app, "watch", "Print a line per change of a token", line.watch.name, true);
  watch->callback([&line] { line.command = [&line](const Common& common) { return run_watch(common, line.watch); }; });

  CLI::App* wait = add_command(app, "wait", "Block until a token is valid or newer", line.wait.name, true);
  add_generation(wait, "--after", line.wait.after, "Until the generation is above this one");
  add_duration(wait, "--timeout", line.wait.timeout, "Give up after this time [wait without limit]");
  wait->callback([&line] { line.command = [&line](const Common& common) { return run_wait(common, line.wait); }; });

  CLI::App* rejected =
      add_command(app, "rejected", "Report that the provider refused a token", line.rejected.name, true);
  add_generation(rejected, "--generation", line.rejected.generation, "The generation of the refused token")->required();
  add_duration(rejected, "--wait", line.rejected.wait, "Wait this long for a newer token");
  rejected->callback(
      [&line] { line.command = [&line](const Common& common) { return run_rejected(common, line.rejected); }; });

  CLI::App* refresh = add_command(app, "refresh", "Request a new token now (admins only)", line.refresh.name, true);
  add_duration(refresh, "--wait", line.refresh.wait, "Wait this long for the new token");
  refresh->callback(
      [&line] { line.command = [&line](const Common& common) { return run_refresh(common, line.refresh); }; });
}

// CLI11 itself only says that a command is missing when it is misspelt.
std::string usage_error(const CLI::App* app, const CLI::Error& error) {
  std::string what = error.what();
  const auto extras = app->remaining();
  if (app->get_parent() == nullptr && app->get_subcommands().empty() && !extras.empty() && !extras.front().empty()) {
    const bool option = extras.front().front() == '-';
    what = (option ? "no option '" : "no command '") + extras.front() + "'";
    if (!option) what += std::string("; the commands are ") + commands;
  }
  return "jetonctl: " + what + "\nRun jetonctl --help for more.\n";
}

int run(int argc, char** argv, const InheritedState& inherited) {
  CommandLine line;
  CLI::App app{"Read the tokens that jeton-agent keeps for this host, and look at the agent.", "jetonctl"};
  app.set_version_flag("--version", std::string("jetonctl ") + jeton_version());
  app.add_option("--dir", line.dir, "The agent's runtime_dir [$JETON_DIR or /run/jeton]")->type_name("DIR");
  app.add_option("--format", line.format, "table or json [table]")->type_name("F")->check([](const std::string& text) {
    return text == "table" || text == "json" ? std::string() : "'" + text + "' is not a format; write table or json";
  });
  app.require_subcommand(1);
  app.failure_message(usage_error);
  app.footer(exit_statuses);
  app.get_formatter()->column_width(28);
  add_commands(app, line);
  add_lock_commands(app, line.lock, line.command);
  const int own_words = cut_off_command(argc, argv, line.lock.run.command);
  try {
    app.parse(own_words, argv);
  } catch (const CLI::ParseError& e) {
    const Exit failure = line.lock.is_run() ? Exit::run_failed : Exit::error;
    return static_cast<int>(app.exit(e) == 0 ? Exit::done : failure);
  }
  try {
    const Common common{runtime_dir(line.dir), line.format == "json" ? Format::json : Format::table, inherited};
    return static_cast<int>(line.command(common));
  } catch (const Failure& failure) {
    if (*failure.what() != '\0') say(failure.what());
    return static_cast<int>(failure.exit());
  } catch (const std::exception& e) {
    say(e.what());
    return static_cast<int>(Exit::error);
  }
}

}  // namespace
}  // namespace jeton::ctl

int main(int argc, char** argv) {
  const jeton::ctl::InheritedState inherited;
  jeton::ctl::prepare_process();
  return jeton::ctl::run(argc, argv, inherited);
}
