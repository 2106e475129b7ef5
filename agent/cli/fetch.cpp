#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "agent/cli/commands.hpp"
#include "agent/cli/service_account.hpp"
#include "agent/config/text/values.hpp"
#include "agent/provider/trial/trial.hpp"
#include "agent/service/hardening.hpp"

namespace jeton::agent {
namespace {

struct FetchArguments {
  std::string name;
  bool dry_run = false;
  bool once = false;
  std::vector<std::string> files;
  std::string user;
};

int no_such_token(const std::string& name, const Config& config) {
  std::vector<std::string_view> names;
  for (const auto& [known, token] : config.tokens) names.push_back(known);
  const auto meant = nearest(name, names);
  std::cerr << "jeton-agent fetch: no token '" << name << "' is configured";
  if (meant) std::cerr << "; did you mean '" << *meant << "'?";
  std::cerr << std::endl;
  return 1;
}

int fetch(const FetchArguments& arguments) {
  if (arguments.dry_run == arguments.once) {
    std::cerr << "jeton-agent fetch: choose --dry-run (show the request, send nothing) or --once (send it once)"
              << std::endl;
    return 1;
  }
  std::vector<std::filesystem::path> files(arguments.files.begin(), arguments.files.end());
  const LoadResult loaded = load_as_service(files, arguments.user, arguments.name).result;
  for (const Problem& problem : loaded.problems) std::cerr << problem.text() << '\n';
  if (!loaded.config) return 1;
  if (!loaded.config->tokens.contains(arguments.name)) return no_such_token(arguments.name, *loaded.config);
  if (arguments.once) {
    std::cerr << "A real request follows: it counts against the provider's limits, and with many providers a new token "
                 "soon ends the one in use. Nothing is published.\n"
              << std::endl;
  }
  try {
    harden_process(false);
    const TrialMode mode = arguments.once ? TrialMode::once : TrialMode::dry_run;
    return try_source(*loaded.config, arguments.name, mode, std::cout, std::cerr) ? 0 : 3;
  } catch (const std::exception& e) {
    std::cerr << "jeton-agent fetch: " << e.what() << std::endl;
    return 1;
  }
}

}  // namespace

void add_fetch_command(CLI::App& app, int& status) {
  const auto arguments = std::make_shared<FetchArguments>();
  CLI::App* command =
      app.add_subcommand("fetch", "Try the source of a token: show the request, or send it once; publishes nothing");
  command->add_option("NAME", arguments->name, "Name of the token in the configuration")->required();
  command->add_flag("--dry-run", arguments->dry_run, "Show the request, secrets replaced by ***; send nothing");
  command->add_flag("--once", arguments->once, "Send the request once and show the answer");
  add_config_option(*command, arguments->files)->allow_extra_args(false);  // the word after FILE may be NAME
  command->add_option(
      "--user", arguments->user,
      "Act as this user; only root may choose another (root: root itself). Default for root: the user of the service");
  command->callback([arguments, &status] { status = fetch(*arguments); });
}

}  // namespace jeton::agent
