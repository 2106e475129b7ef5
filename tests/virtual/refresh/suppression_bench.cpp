// How many agents of a fleet reach for the lock at each rotation, in virtual time:
//
//   jeton_suppression_bench [rotations] [agents ...]      default 5 100 1000 10000
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "agent/base/log.hpp"
#include "tests/virtual/refresh/suppression.hpp"

int main(int argc, char** argv) {
  jeton::agent::log::configure(jeton::agent::log::Level::error, jeton::agent::log::Format::text);
  const auto rotations = static_cast<std::uint64_t>(argc > 1 ? std::atoi(argv[1]) : 5);
  std::vector<std::size_t> fleets{100, 1000, 10'000};
  if (argc > 2) fleets.clear();
  for (int i = 2; i < argc; ++i) fleets.push_back(static_cast<std::size_t>(std::atoi(argv[i])));
  for (const std::size_t agents : fleets) {
    std::printf("%7zu agents  %.2f lock attempts a rotation over %d rotations\n", agents,
                jeton::test::attempts_per_rotation(agents, rotations), static_cast<int>(rotations));
    std::fflush(stdout);
  }
  return 0;
}
