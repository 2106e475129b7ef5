#include "tests/support/seeded_random.hpp"

namespace jeton::test {

SeededRandom::SeededRandom(std::uint64_t seed) : engine_(seed) {}

void SeededRandom::fill(std::span<std::byte> out) {
  for (std::byte& b : out) b = static_cast<std::byte>(engine_());
}

}  // namespace jeton::test
