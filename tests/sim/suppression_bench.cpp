// How many agents of a fleet reach for the lock at each rotation, in virtual time:
//
//   jeton_suppression_bench [rotations] [agents ...]      default 5 1000 10000 100000
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "agent/base/log.hpp"
#include "tests/sim/model.hpp"

namespace jeton::sim {
namespace {

void measure(int agents, int rotations) {
  Fleet fleet(7, agents);
  std::printf("%7d agents  %.2f lock attempts a rotation over %d rotations\n", agents,
              fleet.attempts_per_rotation(rotations), rotations);
  std::fflush(stdout);
}

}  // namespace
}  // namespace jeton::sim

using namespace jeton::agent;

int main(int argc, char** argv) {
  log::configure(log::Level::error, log::Format::text);
  const int rotations = argc > 1 ? std::atoi(argv[1]) : 5;
  std::vector<int> fleets{1000, 10'000, 100'000};
  if (argc > 2) fleets.clear();
  for (int i = 2; i < argc; ++i) fleets.push_back(std::atoi(argv[i]));
  for (const int agents : fleets) jeton::sim::measure(agents, rotations);
  return 0;
}
