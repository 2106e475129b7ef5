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
  for (const char* what : {"current", "read"}) {
    const nlohmann::json& of = counted.at(what);
    const std::string name = std::string("jeton_") + what + (what == std::string("read") ? " of 1 KiB" : ", unchanged");
    report.add(std::string("instructions_of_") + what, name, of.at("instructions"), "instructions");
    report.at_most("instructions of " + name + " (budget)", of.at("budget"), of.at("instructions"), "");
  }
}

}  // namespace jeton::bench
