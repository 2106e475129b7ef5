#include "agent/cli/run.hpp"

#include <iostream>

#include "agent/config/load.hpp"
#include "agent/service/daemon.hpp"

namespace jeton::agent {

int run_agent(const std::vector<std::filesystem::path>& files) {
  // The default files are looked up again at each reload: a file may have been added to agent.d.
  const auto read = [&files] {
    return load_config_files(files.empty() ? read_default_files() : read_config_files(files));
  };
  LoadResult loaded = read();
  if (loaded.config) return run_daemon(std::move(loaded), read);
  for (const Problem& problem : loaded.problems) std::cerr << problem.text() << '\n';
  return 1;
}

}  // namespace jeton::agent
