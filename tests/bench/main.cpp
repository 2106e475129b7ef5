// jeton_bench [--json FILE] [SECTION...]: the segment's figures in one run, as a table and as JSON. Without a section:
// all of them.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "agent/base/log.hpp"
#include "tests/bench/sections.hpp"

namespace {

struct Section {
  const char* name;
  void (*run)(jeton::bench::Report&);
};
constexpr Section all_sections[] = {
    {"read", jeton::bench::bench_read},
    {"sizes", jeton::bench::bench_sizes},
    {"readers", jeton::bench::bench_readers},
    {"wake", jeton::bench::bench_wake},
    {"open", jeton::bench::bench_open},
    {"syscalls", jeton::bench::bench_syscalls},
    {"instructions", jeton::bench::bench_instructions},
};

int usage() {
  std::fprintf(stderr, "usage: jeton_bench [--json FILE] [SECTION...]\nsections:");
  for (const Section& section : all_sections) std::fprintf(stderr, " %s", section.name);
  std::fprintf(stderr, "\n");
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string json_file = "bench.json";
  std::vector<const Section*> chosen;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json_file = argv[++i];
      continue;
    }
    const Section* found = nullptr;
    for (const Section& section : all_sections) {
      if (std::strcmp(argv[i], section.name) == 0) found = &section;
    }
    if (found == nullptr) return usage();
    chosen.push_back(found);
  }
  if (chosen.empty()) {
    for (const Section& section : all_sections) chosen.push_back(&section);
  }
  jeton::agent::log::set_level(jeton::agent::log::Level::error);
  try {
    const auto start = std::chrono::steady_clock::now();
    jeton::bench::Report report;
    for (const Section* section : chosen) section->run(report);
    report.print_results();
    report.write(json_file);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("\n%s written; the run took %.0f s\n", json_file.c_str(), took.count());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "jeton_bench: %s\n", e.what());
    return 1;
  }
  return 0;
}
