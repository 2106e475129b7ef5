// jeton-agent: runs the command of its command line.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/cli/check.hpp"
#include "agent/cli/command_line.hpp"
#include "agent/cli/service_account.hpp"
#include "agent/config/load.hpp"
#include "agent/demo/reader_process.hpp"
#include "agent/service/daemon.hpp"
#include "agent/service/hardening.hpp"

namespace jeton::agent {
namespace {

using Paths = std::vector<std::filesystem::path>;

// The exit status: 0 after SIGTERM or SIGINT, 1 if the configuration is wrong or the agent cannot start.
int run_agent(const RunOptions& options) {
  const Paths files(options.files.begin(), options.files.end());
  // The default files are looked up again at each reload: a file may have been added to agent.d.
  const auto read = [&files] {
    return load_config_files(files.empty() ? read_default_files() : read_config_files(files));
  };
  LoadResult loaded = read();
  if (loaded.config) return run_daemon(std::move(loaded), read);
  for (const Problem& problem : loaded.problems) std::cerr << problem.text() << '\n';
  return 1;
}

int run_check(const CheckOptions& options) {
  const Paths files(options.files.begin(), options.files.end());
  const Judged judged = load_as_service(files, options.user);
  return report_check(judged.result, files, judged.as, std::cout, std::cerr);
}

// Runs a command and returns its exit status.
struct Run {
  int operator()(const RunOptions& options) const { return run_agent(options); }
  int operator()(const CheckOptions& options) const { return run_check(options); }
  int operator()(const ReloadOptions& options) const { return run_reload(options); }
  int operator()(const FetchOptions& options) const { return run_fetch(options); }
  int operator()(const AnswersOptions& options) const { return run_answers(options); }
  int operator()(const KeygenOptions& options) const { return run_keygen(options); }
  int operator()(const demo::DemoOptions& options) const { return demo::run_demo(options); }
  int operator()(const DemoReaderOptions& options) const { demo::run_reader(options.directory, options.port); }
};

}  // namespace
}  // namespace jeton::agent

int main(int argc, char** argv) {
  using namespace jeton::agent;
  if (argc > 1 && std::string_view(argv[1]) == "run") hold_hangup_back();
  fill_standard_descriptors();
  try {
    const CommandLine line = parse_command_line(argc, argv, std::cout, std::cerr);
    return line.command ? std::visit(Run{}, *line.command) : line.status;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "jeton-agent: %s\n", e.what());
    return 1;
  }
}
