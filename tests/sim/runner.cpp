#include "tests/sim/runner.hpp"

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <limits>
#include <new>
#include <set>
#include <stdexcept>

#include "tests/sim/replay.hpp"

namespace jeton::sim {
namespace {

constexpr std::size_t invariant_count = static_cast<std::size_t>(Invariant::count);
// Of the processor. A run takes a fraction of a second: what takes so long spins while no virtual time passes.
constexpr time_t seconds_of_a_hang = 60;

// Of one process, in memory that it shares with its parent.
struct Tally {
  std::uint64_t runs = 0;
  std::uint64_t seed = 0;                                                     // that is run now
  std::uint64_t first_violation = std::numeric_limits<std::uint64_t>::max();  // its seed; others read it meanwhile
  Coverage coverage;
  std::uint64_t violated[invariant_count] = {};
  std::uint64_t calls = 0;
  std::uint64_t commands = 0;
  std::uint64_t turns = 0;
  MostWork most;
  std::int64_t virtual_ns = 0;
};

Tally* g_tally = nullptr;

void end_hanging_process(int /*signal*/) {
  char text[96];
  const int size =
      std::snprintf(text, sizeof text, "seed %llu hangs\n", static_cast<unsigned long long>(g_tally->seed));
  static_cast<void>(!::write(STDOUT_FILENO, text, static_cast<std::size_t>(size)));
  ::_exit(2);
}

void add_to(Tally& tally, const Outcome& outcome) {
  ++tally.runs;
  tally.coverage.add(outcome.coverage);
  tally.calls += outcome.calls;
  tally.commands += outcome.commands;
  tally.turns += outcome.turns;
  tally.most.raise_to(outcome.most);
  tally.virtual_ns += outcome.virtual_time.count();
}

RunPlan in_time(const RunPlan& run) {
  return [&run](const Plan& plan) {
    const itimerval limit{{0, 0}, {seconds_of_a_hang, 0}};
    ::setitimer(ITIMER_VIRTUAL, &limit, nullptr);
    return run(plan);
  };
}

std::uint64_t lowest_violation(Tally* tallies, unsigned count) {
  std::uint64_t lowest = std::numeric_limits<std::uint64_t>::max();
  for (unsigned i = 0; i < count; ++i) {
    lowest = std::min(lowest, std::atomic_ref(tallies[i].first_violation).load());
  }
  return lowest;
}

void run_some(const Seeds& seeds, unsigned process, Tally* tallies, const RunPlan& run) {
  Tally& tally = tallies[process];
  g_tally = &tally;
  std::signal(SIGVTALRM, end_hanging_process);
  std::set<Invariant> reported;
  for (std::uint64_t i = process; i < seeds.count; i += seeds.processes) {
    tally.seed = seeds.from + i;
    if (seeds.only_first && tally.seed > lowest_violation(tallies, seeds.processes)) return;
    const Plan plan = make_plan(tally.seed);
    const Outcome outcome = run(plan);
    add_to(tally, outcome);
    if (!outcome.violation) continue;
    ++tally.violated[static_cast<std::size_t>(outcome.violation->invariant)];
    std::string text = "seed " + std::to_string(tally.seed) + ": " + name_of(outcome.violation->invariant) + " at " +
                       seconds_text(outcome.violation->at) + ": " + outcome.violation->text + "\n";
    if (seeds.only_first) {
      std::atomic_ref(tally.first_violation).store(tally.seed);
    } else if (reported.insert(outcome.violation->invariant).second) {
      text += report(shrink(plan, run, seeds.most_runs_of_shrinking));
    }
    static_cast<void>(!::write(STDOUT_FILENO, text.data(), text.size()));
  }
}

// In processes, because a run has state of its own in a process: the log, file locks.
bool run_in_processes(const Seeds& seeds, Tally* tallies, const RunPlan& run) {
  std::cout.flush();
  std::vector<pid_t> children;
  for (unsigned i = 0; i < seeds.processes; ++i) {
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child == 0) {
      run_some(seeds, i, tallies, in_time(run));
      ::_exit(0);
    }
    children.push_back(child);
  }
  bool all_ended_well = true;
  for (std::size_t i = 0; i < children.size(); ++i) {
    int status = 0;
    ::waitpid(children[i], &status, 0);
    if (status == 0) continue;
    all_ended_well = false;
    std::cout << "the process that ran seed " << tallies[i].seed << " ended with status " << status << "\n";
  }
  return all_ended_well;
}

Tally sum_of(const Tally* tallies, unsigned count) {
  Tally sum;
  for (unsigned i = 0; i < count; ++i) {
    const Tally& one = tallies[i];
    sum.runs += one.runs;
    sum.coverage.add(one.coverage);
    for (std::size_t k = 0; k < invariant_count; ++k) sum.violated[k] += one.violated[k];
    sum.calls += one.calls;
    sum.commands += one.commands;
    sum.turns += one.turns;
    sum.most.raise_to(one.most);
    sum.virtual_ns += one.virtual_ns;
  }
  return sum;
}

bool print(const Tally& sum, double taken_s, std::ostream& out) {
  print(sum.coverage, out);
  out << sum.runs << " seeds in " << std::fixed << std::setprecision(1) << taken_s << " s, "
      << static_cast<double>(sum.runs) / taken_s << " a second; " << sum.virtual_ns / 3'600'000'000'000
      << " h of virtual time, " << sum.calls << " calls to the provider, " << sum.commands << " commands, " << sum.turns
      << " turns\n"
      << "most work of an agent in 10 s: " << sum.most.commands << " commands to a server, " << sum.most.waits
      << " waits begun, " << sum.most.turns << " turns for each server; at a time: " << sum.most.timers << " timers, "
      << sum.most.connections << " connections to a server; of a fleet: " << sum.most.keys << " keys on a server\n";
  bool held = true;
  for (std::size_t i = 0; i < invariant_count; ++i) {
    if (sum.violated[i] == 0) continue;
    held = false;
    out << name_of(static_cast<Invariant>(i)) << " was violated by " << sum.violated[i] << " seeds\n";
  }
  if (held) out << "no invariant was violated\n";
  return held;
}

}  // namespace

bool run_seeds(const Seeds& seeds, std::ostream& out, const RunPlan& run) {
  const std::size_t size = seeds.processes * sizeof(Tally);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for the results");
  auto* tallies = static_cast<Tally*>(memory);
  for (unsigned i = 0; i < seeds.processes; ++i) new (tallies + i) Tally;
  const auto begin = std::chrono::steady_clock::now();
  const bool ended_well = run_in_processes(seeds, tallies, run);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  const bool held = print(sum_of(tallies, seeds.processes), taken.count(), out);
  ::munmap(memory, size);
  return held && ended_well;
}

std::string report(const Shrunk& shrunk) {
  std::string text = "  shrunk in " + std::to_string(shrunk.runs) + " runs to:\n" + to_text(shrunk.plan) +
                     "  replay: jeton_sim " + replay_options(shrunk.plan) + " --timeline\n";
  for (const std::string& line : shrunk.outcome.timeline) text += "    " + line + "\n";
  return text;
}

}  // namespace jeton::sim
