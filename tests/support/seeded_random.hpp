// Random numbers that are the same every time: all come from one seed.
#pragma once

#include <cstdint>
#include <random>

#include "agent/base/random.hpp"

namespace jeton::test {

class SeededRandom final : public agent::Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  void fill(std::span<std::byte> out) override;

 private:
  std::mt19937_64 engine_;
};

}  // namespace jeton::test
