// jeton-agent: the command line. One file a command beside this one.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/commands/answers.hpp"
#include "agent/commands/check.hpp"
#include "agent/commands/demo.hpp"
#include "agent/commands/fetch.hpp"
#include "agent/commands/keygen.hpp"
#include "agent/commands/run.hpp"

namespace {

using Paths = std::vector<std::filesystem::path>;

void add_config_option(CLI::App& command, std::vector<std::string>& files) {
  command.add_option("-c,--config", files,
                     "Configuration file; may be given more than once. Default: /etc/jeton/agent.yaml, then "
                     "/etc/jeton/agent.d/*.yaml");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("jeton-agent: fetches each third-party API token once for the fleet and keeps it readable on this host");
  app.set_version_flag("--version", std::string("jeton-agent ") + JETON_VERSION);
  app.require_subcommand(1);
  std::vector<std::string> files;
  int status = 0;

  CLI::App* run = app.add_subcommand("run", "Run the agent in the foreground");
  add_config_option(*run, files);
  run->callback([&] { status = jeton::agent::run_agent(Paths(files.begin(), files.end())); });

  CLI::App* check =
      app.add_subcommand("check", "Check the configuration and print every problem; exit status 1 if any");
  add_config_option(*check, files);
  check->callback([&] { status = jeton::agent::run_check(Paths(files.begin(), files.end())); });

  jeton::agent::add_fetch_command(app, status);
  jeton::agent::add_answers_command(app, status);

  std::string key_file;
  CLI::App* keygen = app.add_subcommand("keygen", "Make a key for coordination.seal");
  keygen->add_option("FILE", key_file, "A new file, of mode 0600. Default: standard output");
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
