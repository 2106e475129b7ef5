// One reader, nothing changes: what a read costs beside memcpy of the same size.
#include <cstring>
#include <deque>

#include "tests/bench/sections.hpp"
#include "tests/bench/segment_of_bench.hpp"

namespace jeton::bench {

void bench_sizes(Report& report) {
  report.section("one reader, by size");
  const std::size_t sizes[] = {64, 1024, 4096, 16384, 65536};
  static char from[65536];
  alignas(64) static char to[65536 + 64];
  std::memset(from, 'x', sizeof(from));

  std::deque<BenchSegment> segments;
  std::deque<BenchReader> readers;
  std::vector<Case> cases;
  for (const std::size_t size : sizes) {
    segments.emplace_back(size);
    readers.emplace_back(segments.back().directory());
    jeton_token* const token = readers.back().token();
    const std::uint64_t batch = 2'000'000 / (size + 200);
    cases.push_back({"memcpy", "memcpy_ns", batch, [size](std::uint64_t n) {
                       for (std::uint64_t i = 0; i < n; ++i) {
                         std::size_t any = size;
                         asm volatile("" : "+r"(any));
                         std::memcpy(to, from, any);
                         keep(to);
                       }
                     }});
    cases.push_back({"jeton_read", "read_ns", batch, [token](std::uint64_t n) {
                       std::size_t got = 0;
                       for (std::uint64_t i = 0; i < n; ++i) {
                         if (jeton_read(token, to, sizeof(to), &got, nullptr) != JETON_OK)
                           return require(false, "read");
                         keep(to);
                       }
                     }});
  }
  const std::vector<double> medians = measure(cases, 601);
  std::printf("  %8s %14s %14s\n", "bytes", "memcpy, ns", "jeton_read, ns");
  for (std::size_t i = 0; i < std::size(sizes); ++i) {
    const nlohmann::json where = {{"bytes", sizes[i]}};
    report.add("size_memcpy", "memcpy", medians[2 * i], "ns", where);
    report.add("size_read", "jeton_read", medians[2 * i + 1], "ns", where);
    std::printf("  %8zu %14.1f %14.1f\n", sizes[i], medians[2 * i], medians[2 * i + 1]);
  }
}

}  // namespace jeton::bench
