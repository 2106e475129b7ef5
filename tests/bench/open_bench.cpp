// jeton_open: every check of directory and file, and the mapping.
#include <array>
#include <chrono>

#include "tests/bench/sections.hpp"
#include "tests/bench/segment_of_bench.hpp"

namespace jeton::bench {

void bench_open(Report& report) {
  report.section("opening");
  const BenchSegment segment;
  const std::string directory = segment.directory();
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = directory.c_str();
  std::vector<double> opens;
  std::vector<double> firsts;
  for (int round = 0; round < 2000; ++round) {
    jeton_token* token = nullptr;
    const auto start = std::chrono::steady_clock::now();
    require(jeton_open(&options, "api", &token) == JETON_OK, "open");
    const auto opened = std::chrono::steady_clock::now();
    std::array<char, 2 * token_size> value;
    std::size_t size = 0;
    require(jeton_read(token, value.data(), value.size(), &size, nullptr) == JETON_OK, "read");
    const auto read = std::chrono::steady_clock::now();
    jeton_close(token);
    opens.push_back(std::chrono::duration<double, std::micro>(opened - start).count());
    firsts.push_back(std::chrono::duration<double, std::micro>(read - opened).count());
  }
  report.add("open", "jeton_open", median(std::move(opens)), "us");
  report.add("first_read", "the first jeton_read after it", median(std::move(firsts)), "us");
  report.result("open", report["open"]);
}

}  // namespace jeton::bench
