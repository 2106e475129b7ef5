// jeton-agent: the command line. One file a command beside this one.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/check.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/service_account.hpp"
#include "agent/config/load.hpp"
#include "agent/config/text/values.hpp"
#include "agent/service/daemon.hpp"
#include "agent/service/hardening.hpp"

namespace {

using Paths = std::vector<std::filesystem::path>;

// The daemon. Returns the exit status: 0 after SIGTERM or SIGINT, 1 if the configuration is wrong or the agent cannot
// start.
int run_agent(const Paths& files) {
  using namespace jeton::agent;
  // The default files are looked up again at each reload: a file may have been added to agent.d.
  const auto read = [&files] {
    return load_config_files(files.empty() ? read_default_files() : read_config_files(files));
  };
  LoadResult loaded = read();
  if (loaded.config) return run_daemon(std::move(loaded), read);
  for (const Problem& problem : loaded.problems) std::cerr << problem.text() << '\n';
  return 1;
}

// CLI11 itself only says that a command is missing when it is misspelt.
std::string usage_error(const CLI::App* app, const CLI::Error& error) {
  std::string what = error.what();
  const auto extras = app->remaining();
  if (app->get_parent() == nullptr && app->get_subcommands().empty() && !extras.empty() && !extras.front().empty()) {
    const bool option = extras.front().front() == '-';
    what = (option ? "no option '" : "no command '") + extras.front() + "'";
    std::vector<std::string> names;
    for (const CLI::App* command : app->get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); })) {
      names.push_back(command->get_name());
    }
    const auto meant = jeton::agent::nearest(extras.front(), {names.begin(), names.end()});
    if (meant) {
      what += "; did you mean " + std::string(*meant) + "?";
    } else if (!option) {
      what += "; the commands are";
      for (const std::string& name : names) what += (name == names.front() ? " " : ", ") + name;
    }
  }
  return "jeton-agent: " + what + "\nRun jeton-agent --help for more.\n";
}

}  // namespace

CLI::Option* jeton::agent::add_config_option(CLI::App& command, std::vector<std::string>& files) {
  return command.add_option("-c,--config", files,
                            "Configuration file; may be given more than once. Default: /etc/jeton/agent.yaml, then "
                            "/etc/jeton/agent.d/*.yaml");
}

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "run") jeton::agent::hold_hangup_back();
  jeton::agent::fill_standard_descriptors();
  CLI::App app("jeton-agent: fetches each third-party API token once for the fleet and keeps it readable on this host");
  app.set_version_flag("--version", std::string("jeton-agent ") + JETON_VERSION);
  app.require_subcommand(1);
  app.failure_message(usage_error);
  std::vector<std::string> files;
  int status = 0;

  CLI::App* run = app.add_subcommand("run", "Run the agent in the foreground");
  jeton::agent::add_config_option(*run, files);
  run->callback([&] { status = run_agent(Paths(files.begin(), files.end())); });

  CLI::App* check =
      app.add_subcommand("check", "Check the configuration and print every problem; exit status 1 if any");
  jeton::agent::add_config_option(*check, files);
  std::string user;
  check->add_option(
      "--user", user,
      "Act as this user; only root may choose another (root: root itself). Default for root: the user of the service");
  check->callback([&] {
    const Paths paths(files.begin(), files.end());
    const jeton::agent::Judged judged = jeton::agent::load_as_service(paths, user);
    status = jeton::agent::report_check(judged.result, paths, judged.as, std::cout, std::cerr);
  });

  std::string runtime_dir;
  CLI::App* reload =
      app.add_subcommand("reload", "Make the running agent read its configuration again; exit status 1 if it refuses");
  reload->add_option("--dir", runtime_dir,
                     "The agent's runtime_dir. Default: $JETON_DIR, $RUNTIME_DIRECTORY or /run/jeton");
  reload->callback([&] {
    const std::filesystem::path directory(runtime_dir);
    status = jeton::agent::run_reload(directory.empty() ? jeton::agent::usual_runtime_dir() : directory, std::cout,
                                      std::cerr);
  });

  jeton::agent::add_fetch_command(app, status);
  jeton::agent::add_answers_command(app, status);

  std::string key_file;
  CLI::App* keygen = app.add_subcommand("keygen", "Make a key for coordination.seal");
  keygen->add_option("FILE", key_file, "Create this file, with mode 0600. Default: standard output");
  keygen->callback([&] { status = jeton::agent::run_keygen(key_file); });

  jeton::agent::add_demo_commands(app, status);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "jeton-agent: %s\n", e.what());
    return 1;
  }
  return status;
}
