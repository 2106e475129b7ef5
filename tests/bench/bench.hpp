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

[[nodiscard]] double median(std::vector<double> values);
// Nanoseconds a call, in the order of the cases.
[[nodiscard]] std::vector<double> measure(const std::vector<Case>& cases, int rounds);

// Throws if not: a benchmark that does not do what it says has no figure.
void require(bool condition, const char* what);

// The compiler may neither drop the value nor assume anything about memory.
template <typename T>
inline void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace jeton::bench
