// Instructions of a call, counted by callgrind (tests/bench/instructions, which is a test as well).
#include "tests/bench/sections.hpp"
#include "tests/support/process.hpp"

namespace jeton::bench {

void bench_instructions(Report& report) {
  report.section("instructions, counted by callgrind (which knows AVX, not AVX-512)");
  const auto result = test::run({JETON_BENCH_INSTRUCTIONS, JETON_BENCH_READ_LOOP, "--json"});
  if (result.status != 0) {
    std::printf("  %s", (result.out + result.err).c_str());
    return;
  }
  const nlohmann::json counted = nlohmann::json::parse(result.out);
  const nlohmann::json& current = counted.at("current");
  report.add("instructions_of_current", "jeton_current, unchanged", current.at("instructions"), "instructions");
  report.result("instructions_of_current", current.at("instructions"), current.at("budget").get<double>());
  const nlohmann::json& read = counted.at("read");
  report.add("instructions_of_read", "jeton_read of 1 KiB", read.at("instructions"), "instructions");
  report.result("instructions_of_read", read.at("instructions"), read.at("budget").get<double>());
}

}  // namespace jeton::bench
