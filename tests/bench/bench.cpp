#include "tests/bench/bench.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace jeton::bench {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<double> measure(const std::vector<Case>& cases, int rounds) {
  std::vector<std::vector<double>> times(cases.size());
  for (const Case& c : cases) c.run(c.batch);  // warm
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const auto start = std::chrono::steady_clock::now();
      cases[i].run(cases[i].batch);
      const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
      times[i].push_back(took.count() / static_cast<double>(cases[i].batch));
    }
  }
  std::vector<double> medians;
  for (auto& of_case : times) medians.push_back(median(std::move(of_case)));
  return medians;
}

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("benchmark: ") + what);
}

}  // namespace jeton::bench
