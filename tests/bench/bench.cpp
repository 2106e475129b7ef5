#include "tests/bench/bench.hpp"

#include <algorithm>
#include <chrono>

namespace jeton::bench {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<Figure> measure(const std::vector<Case>& cases, int rounds) {
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
  std::vector<Figure> figures;
  for (std::size_t i = 0; i < cases.size(); ++i) figures.push_back({cases[i].name, cases[i].key, median(times[i])});
  return figures;
}

}  // namespace jeton::bench
