#include "agent/base/backoff.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace jeton::agent {
namespace {

// Always the same draw.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::uint64_t bits) : bits_(bits) {}
  void fill(std::span<std::byte> out) override { std::memcpy(out.data(), &bits_, std::min(out.size(), sizeof bits_)); }

 private:
  std::uint64_t bits_;
};

constexpr std::uint64_t lowest = 0;
constexpr std::uint64_t highest = ~std::uint64_t{0};

TEST(Backoff, DrawIsHighest_DelayDoublesUpToTheCap) {
  FixedRandom random(highest);
  Backoff backoff({std::chrono::seconds(1), std::chrono::seconds(5)}, random);
  EXPECT_NEAR(std::chrono::duration<double>(backoff.next()).count(), 1, 1e-6);
  EXPECT_NEAR(std::chrono::duration<double>(backoff.next()).count(), 2, 1e-6);
  EXPECT_NEAR(std::chrono::duration<double>(backoff.next()).count(), 4, 1e-6);
  EXPECT_NEAR(std::chrono::duration<double>(backoff.next()).count(), 5, 1e-6);
  backoff.reset();
  EXPECT_NEAR(std::chrono::duration<double>(backoff.next()).count(), 1, 1e-6);
}

TEST(Backoff, DrawIsLowest_DelayIsTheFloor) {
  FixedRandom random(lowest);
  Backoff backoff({std::chrono::seconds(1), std::chrono::seconds(5), std::chrono::milliseconds(100)}, random);
  EXPECT_EQ(backoff.next(), std::chrono::milliseconds(100));
}

TEST(Backoff, ManyFailures_DelayStaysWithinTheCap) {
  FixedRandom random(highest);
  Backoff backoff({std::chrono::seconds(1), std::chrono::minutes(1)}, random);
  for (int i = 0; i < 10'000; ++i) EXPECT_LE(backoff.next(), std::chrono::minutes(1));
}

}  // namespace
}  // namespace jeton::agent
