// Figures: what a run of jeton_endurance samples, and the growth of each figure over the run.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/redis_server.hpp"

namespace jeton::endurance {

struct Figure {
  std::string name;
  double allowed_growth = 0;  // as a share of the earlier value, whatever the length of the run
  std::vector<double> samples;

  // From the second quarter of the run to the last, as a share; the first quarter warms up. 0: too few samples.
  [[nodiscard]] double growth() const;
  [[nodiscard]] bool has_grown() const { return growth() > allowed_growth; }
};

// An agent as it is looked at.
struct Watched {
  pid_t process;
  std::filesystem::path socket;
  double timers = 0;  // the last that it told
};

class Figures {
 public:
  Figures(std::vector<Watched> agents, const test::RedisServer& server) : agents_(std::move(agents)), server_(server) {}

  void sample();
  // A line for each figure: first, middle and last value, growth during the judged part of `hours` and by the hour.
  [[nodiscard]] std::string table(double hours) const;
  [[nodiscard]] std::vector<std::string> that_have_grown() const;

 private:
  std::vector<Watched> agents_;
  const test::RedisServer& server_;
  // Sums over all agents. Pages of the heap settle for longer than a quarter of an hour.
  std::vector<Figure> figures_{{"resident memory of the agents, MiB", 0.05, {}},
                               {"private memory of the agents, MiB", 0.05, {}},
                               {"descriptors of the agents", 0.02, {}},
                               {"threads of the agents", 0, {}},
                               {"timers of the agents", 0.05, {}},
                               {"memory of Redis, MiB", 0.05, {}},
                               {"keys in Redis", 0.05, {}},
                               {"clients of Redis", 0, {}}};
};

}  // namespace jeton::endurance
