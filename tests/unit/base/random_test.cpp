#include "agent/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <vector>

namespace jeton::agent {
namespace {

TEST(OsRandom, PiecesOfManySizes_AreFilledAndNoneComesTwice) {
  OsRandom random;
  std::set<std::vector<std::byte>> seen;
  for (int round = 0; round < 100; ++round) {
    for (const std::size_t size : {16U, 33U, 255U, 256U, 257U, 1000U}) {
      std::vector<std::byte> piece(size);
      random.fill(piece);
      // 16 bytes are the same by chance once in 2^128, and as many zeros in a row at the end are as rare.
      EXPECT_TRUE(std::any_of(piece.end() - 16, piece.end(), [](std::byte b) { return b != std::byte{0}; })) << size;
      piece.resize(16);
      EXPECT_TRUE(seen.insert(piece).second) << size;
    }
  }
}

}  // namespace
}  // namespace jeton::agent
