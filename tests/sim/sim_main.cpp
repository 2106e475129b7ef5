// jeton_sim: the deterministic simulation by command. tests/README.md, "Simulation".
#include <sys/resource.h>

#include <chrono>
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
#include "tests/sim/workload.hpp"
#include "tests/support/seed_of_the_day.hpp"

namespace {

using namespace jeton::sim;

constexpr const char* usage =
    "jeton_sim --seeds COUNT [--from SEED|today] [--processes N] [--first]    runs many; --first: up to a violation;\n"
    "    today: other ones each day, or those from JETON_TEST_SEED on\n"
    "jeton_sim --seed SEED [--timeline] [--log] [--shrink]    runs one\n"
    "          [--hosts N] [--length NS] [--faults none|I[@NS][:NS],...]\n"
    "    with some of its hosts and faults, and other times: of the plan, of the begin of a fault, of its length\n"
    "jeton_sim --workload [--agents N] [--tokens N] [--lock-users N] [--rotations N] [--lifetime SECONDS] [--seed "
    "SEED]\n"
    "    a fleet of any size without faults: tokens of each agent, users of one lock on all hosts\n";

struct Options {
  Seeds seeds{};
  std::optional<std::uint64_t> seed;
  ReplayOptions replay{};
  std::optional<Workload> workload;
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
      options.seeds.from = value() == "today" ? jeton::test::seed_of_the_day() : std::stoull(words[i]);
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
    } else if (word == "--workload") {
      options.workload.emplace();
    } else if (options.workload && word == "--agents") {
      options.workload->agents = std::stoull(value());
    } else if (options.workload && word == "--tokens") {
      options.workload->tokens = std::stoull(value());
    } else if (options.workload && word == "--lock-users") {
      options.workload->lock_users = std::stoull(value());
    } else if (options.workload && word == "--rotations") {
      options.workload->rotations = std::stoull(value());
    } else if (options.workload && word == "--lifetime") {
      options.workload->lifetime = std::chrono::seconds(std::stoll(value()));
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
  if (options.workload) options.workload->seed = options.seed.value_or(options.workload->seed);
  return options;
}

Outcome run(const Plan& plan) { return simulate(plan); }

void print_cost(std::chrono::steady_clock::time_point begin) {
  const auto taken = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin);
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  std::cout << seconds_text(taken) << " of this machine's time, at most " << used.ru_maxrss / 1024 << " MiB\n";
}

bool run_one(const Options& options) {
  const Plan plan = options.workload ? workload_plan(*options.workload) : plan_of(options.replay);
  std::cout << to_text(plan) << std::flush;
  const auto begin = std::chrono::steady_clock::now();
  const Outcome outcome = simulate(plan, {.live = options.timeline ? &std::cout : nullptr});
  std::cout << "hash " << std::hex << outcome.hash << std::dec << ", " << seconds_text(outcome.virtual_time)
            << " of virtual time, " << outcome.calls << " calls, " << outcome.commands << " commands, " << outcome.turns
            << " turns\n";
  if (options.workload) print_cost(begin);
  if (!outcome.violation) {
    std::cout << "no invariant was violated\n";
    return true;
  }
  std::cout << name_of(outcome.violation->invariant) << " at " << seconds_text(outcome.violation->at) << ": "
            << outcome.violation->text << "\n";
  if (options.shrink && !options.workload) {
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
    if (options.seed || options.workload) return run_one(options) ? 0 : 1;
    std::cout << "seeds from " << options.seeds.from << std::endl;
    return run_seeds(options.seeds, std::cout, run) ? 0 : 1;
  } catch (const std::exception& e) {
    std::cout << e.what() << "\n" << usage;
    return 2;
  }
}
