// Dice: the random draws of a run's plan, from its seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "tests/support/seeded_random.hpp"

namespace jeton::test {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] double uniform() { return random_.uniform(); }
  [[nodiscard]] bool chance(double probability) { return uniform() < probability; }
  [[nodiscard]] std::uint64_t below(std::uint64_t end) {
    return std::min(end - 1, static_cast<std::uint64_t>(static_cast<double>(end) * uniform()));
  }
  template <typename T>
  [[nodiscard]] T one_of(std::initializer_list<T> values) {
    return *(values.begin() + below(values.size()));
  }

 private:
  SeededRandom random_;
};

}  // namespace jeton::test
