// jeton_bench [--rounds N] [--json FILE]: the segment's figures in one run, as a table and as JSON.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/base/log.hpp"
#include "tests/bench/bench.hpp"

namespace {

using jeton::bench::Figure;

void print(const std::vector<Figure>& figures) {
  for (const Figure& f : figures) std::printf("%-46s %12.1f ns\n", f.name.c_str(), f.median_ns);
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 301;
  std::string json_file = "bench.json";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::max(1, std::atoi(argv[i + 1]));
    if (std::strcmp(argv[i], "--json") == 0) json_file = argv[i + 1];
  }
  jeton::agent::log::set_level(jeton::agent::log::Level::error);

  std::vector<Figure> figures = jeton::bench::measure_reads(rounds);
  const std::vector<Figure> wakes = jeton::bench::measure_wakes(rounds * 3);
  figures.insert(figures.end(), wakes.begin(), wakes.end());
  std::printf("medians\n");
  print(figures);

  std::map<std::string, double> ns;
  for (const Figure& f : figures) ns[f.key] = f.median_ns;
  const double current_ratio = ns["current"] / ns["load_and_clock"];
  const double read_ratio = ns["read"] / ns["memcpy"];
  const double read_limit = 2 * ns["memcpy"] + 10;
  std::printf("\ncurrent / (load + clock)          %6.2f   (expected: at most 2)\n", current_ratio);
  std::printf("read / memcpy                     %6.2f\n", read_ratio);
  std::printf("read                              %6.1f ns of at most %.1f ns (2 x memcpy + 10 ns)\n", ns["read"],
              read_limit);
  std::printf("interprocess_mutex / read         %6.2f\n", ns["interprocess_mutex"] / ns["read"]);
  std::printf("file / read                       %6.1f\n", ns["file"] / ns["read"]);
  std::printf("redis GET / read                  %6.1f\n", ns["redis_get"] / ns["read"]);
  std::printf("publish to awake / bare futex     %6.2f\n", ns["publish_to_awake"] / ns["bare_futex"]);

  nlohmann::json json;
  json["rounds"] = rounds;
  json["median_ns"] = ns;
  json["ratios"] = {{"current_to_load_and_clock", current_ratio},
                    {"read_to_memcpy", read_ratio},
                    {"publish_to_bare_futex", ns["publish_to_awake"] / ns["bare_futex"]}};
  std::ofstream(json_file) << json.dump(2) << '\n';
  return 0;
}
