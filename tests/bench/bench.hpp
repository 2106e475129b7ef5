// A small harness: every case is measured in short batches, all cases in turn, many rounds, so that whatever else the
// machine does falls on all of them; the figure of a case is the median over the rounds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace jeton::bench {

struct Case {
  std::string name;                        // in the table
  std::string key;                         // in the JSON
  std::uint64_t batch;                     // calls per measurement
  std::function<void(std::uint64_t)> run;  // makes that many calls
};

struct Figure {
  std::string name;
  std::string key;
  double median_ns = 0;
};

[[nodiscard]] double median(std::vector<double> values);
[[nodiscard]] std::vector<Figure> measure(const std::vector<Case>& cases, int rounds);

// The compiler may neither drop the value nor assume anything about memory.
template <typename T>
inline void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

// Reading one token in every way (read_bench.cpp), and from publication to a waiter's awakening (wake_bench.cpp).
[[nodiscard]] std::vector<Figure> measure_reads(int rounds);
[[nodiscard]] std::vector<Figure> measure_wakes(int rounds);

}  // namespace jeton::bench
