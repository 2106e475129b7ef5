#include "agent/demo/demo.hpp"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "agent/cli/commands.hpp"
#include "agent/config/text/values.hpp"
#include "agent/demo/reader_process.hpp"

namespace jeton::agent {
namespace {

constexpr Milliseconds shortest_lifetime{2'000};
constexpr Milliseconds longest_lifetime{3'600'000};

struct DemoArguments {
  std::string run_for;
  std::string lifetime = "10s";
  bool no_color = false;
};

Milliseconds duration(const std::string& option, const std::string& text) {
  const auto value = parse_duration(text);
  if (!value) throw CLI::ValidationError(option, "'" + text + "' is not a duration such as 20s or 500ms");
  return *value;
}

demo::DemoOptions demo_options(const DemoArguments& arguments) {
  demo::DemoOptions options;
  if (!arguments.run_for.empty()) options.run_for = duration("--for", arguments.run_for);
  options.lifetime = duration("--lifetime", arguments.lifetime);
  if (options.lifetime < shortest_lifetime || options.lifetime > longest_lifetime) {
    throw CLI::ValidationError("--lifetime", "must be between 2s and 1h");
  }
  options.color = !arguments.no_color;
  return options;
}

}  // namespace

void add_demo_commands(CLI::App& app, int& status) {
  const auto arguments = std::make_shared<DemoArguments>();
  CLI::App* demo = app.add_subcommand(
      "demo", "Run a provider, an agent and a reader on this machine, and show what they do. Needs no configuration");
  demo->add_option("--for", arguments->run_for, "End after this time with exit status 0. Default: run until Ctrl-C");
  demo->add_option("--lifetime", arguments->lifetime, "How long each token lives")->capture_default_str();
  demo->add_flag("--no-color", arguments->no_color, "No colors; the variable NO_COLOR does the same");
  demo->callback([arguments, &status] { status = demo::run_demo(demo_options(*arguments)); });

  CLI::App* reader = app.add_subcommand("demo-reader", "The reader that the demo starts")->group("");
  const CLI::Option* directory = reader->add_option("DIR")->required();
  const CLI::Option* port = reader->add_option("PORT")->required();
  reader->callback([=] { demo::run_reader(directory->as<std::string>(), port->as<std::uint16_t>()); });
}

}  // namespace jeton::agent
