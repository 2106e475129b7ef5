#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "agent/cli/commands.hpp"
#include "agent/cli/service_account.hpp"
#include "agent/config/text/values.hpp"
#include "agent/provider/trial/trial.hpp"
#include "agent/service/hardening.hpp"

namespace jeton::agent {
namespace {

int no_such_token(const std::string& name, const Config& config) {
  std::vector<std::string_view> names;
  for (const auto& [known, token] : config.tokens) names.push_back(known);
  const auto meant = nearest(name, names);
  std::cerr << "jeton-agent fetch: no token '" << name << "' is configured";
  if (meant) std::cerr << "; did you mean '" << *meant << "'?";
  std::cerr << std::endl;
  return 1;
}

}  // namespace

int run_fetch(const FetchOptions& options) {
  std::vector<std::filesystem::path> files(options.files.begin(), options.files.end());
  const LoadResult loaded = load_as_service(files, options.user, options.name).result;
  for (const Problem& problem : loaded.problems) std::cerr << problem.text() << '\n';
  if (!loaded.config) return 1;
  if (!loaded.config->tokens.contains(options.name)) return no_such_token(options.name, *loaded.config);
  if (options.once) {
    std::cerr << "A real request follows: it counts against the provider's limits, and with many providers a new token "
                 "soon ends the one in use. Nothing is published.\n"
              << std::endl;
  }
  try {
    harden_process(false);
    const TrialMode mode = options.once ? TrialMode::once : TrialMode::dry_run;
    return try_source(*loaded.config, options.name, mode, std::cout, std::cerr) ? 0 : 3;
  } catch (const std::exception& e) {
    std::cerr << "jeton-agent fetch: " << e.what() << std::endl;
    return 1;
  }
}

}  // namespace jeton::agent
