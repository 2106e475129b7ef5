// jeton_sim: the deterministic simulation by command. tests/README.md, "Simulation".
#include <cstdio>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/log.hpp"
#include "tests/sim/replay.hpp"
#include "tests/sim/runner.hpp"

namespace {

using namespace jeton::sim;

constexpr const char* usage =
    "jeton_sim --seeds COUNT [--from SEED] [--processes N] [--first]    runs many; --first: up to a violation\n"
    "jeton_sim --seed SEED [--timeline] [--log] [--shrink]    runs one\n"
    "          [--hosts N] [--length NS] [--faults none|I[@NS][:NS],...]\n"
    "    with some of its hosts and faults, and other times: of the plan, of the begin of a fault, of its length\n";

struct Options {
  Seeds seeds{};
  std::optional<std::uint64_t> seed;
  ReplayOptions replay{};
  bool timeline = false;
  bool log = false;
  bool shrink = false;
};

Options parse(const std::vector<std::string>& words) {
  Options options;
  options.seeds.processes = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const auto value = [&]() -> const std::string& {
      if (++i == words.size()) throw std::invalid_argument(word + " needs a value");
      return words[i];
    };
    if (word == "--seeds") {
      options.seeds.count = std::stoull(value());
    } else if (word == "--from") {
      options.seeds.from = std::stoull(value());
    } else if (word == "--processes") {
      options.seeds.processes = static_cast<unsigned>(std::stoul(value()));
    } else if (word == "--first") {
      options.seeds.only_first = true;
    } else if (word == "--seed") {
      options.seed = options.replay.seed = std::stoull(value());
    } else if (word == "--hosts") {
      options.replay.hosts = std::stoull(value());
    } else if (word == "--length") {
      options.replay.length = Duration{std::stoll(value())};
    } else if (word == "--faults") {
      options.replay.faults = value();
    } else if (word == "--timeline") {
      options.timeline = true;
    } else if (word == "--log") {
      options.log = true;
    } else if (word == "--shrink") {
      options.shrink = true;
    } else {
      throw std::invalid_argument("unknown option " + word);
    }
  }
  return options;
}

Outcome run(const Plan& plan) { return simulate(plan); }

bool run_one(const Options& options) {
  const Plan plan = plan_of(options.replay);
  std::cout << to_text(plan);
  const Outcome outcome = simulate(plan, {.live = options.timeline ? &std::cout : nullptr});
  std::cout << "hash " << std::hex << outcome.hash << std::dec << ", " << seconds_text(outcome.virtual_time)
            << " of virtual time, " << outcome.calls << " calls, " << outcome.commands << " commands, " << outcome.turns
            << " turns\n";
  if (!outcome.violation) {
    std::cout << "no invariant was violated\n";
    return true;
  }
  std::cout << name_of(outcome.violation->invariant) << " at " << seconds_text(outcome.violation->at) << ": "
            << outcome.violation->text << "\n";
  if (options.shrink) {
    std::cout << report(shrink(plan, run));
  }
  return false;
}

// The agents' log, which is on stderr, beside the timeline; or none of it.
void set_up_log(bool wanted) {
  namespace log = jeton::agent::log;
  log::configure(wanted ? log::Level::debug : log::Level::error, log::Format::text);
  if (wanted) {
    std::cout << std::unitbuf;
  } else if (std::freopen("/dev/null", "w", stderr) == nullptr) {
    throw std::runtime_error("/dev/null cannot be opened");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse({argv + 1, argv + argc});
    set_up_log(options.log);
    const bool held = options.seed ? run_one(options) : run_seeds(options.seeds, std::cout, run);
    return held ? 0 : 1;
  } catch (const std::exception& e) {
    std::cout << e.what() << "\n" << usage;
    return 2;
  }
}
