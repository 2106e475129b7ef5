// Some seeds, and that the simulation can be trusted: it is deterministic, and each kind of fault is drawn.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "tests/sim/runner.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/seed_of_the_day.hpp"

namespace jeton::sim {
namespace {

TEST(Simulation, SameSeed_SameRun) {
  const std::uint64_t first = test::seed_of_the_day();
  std::cout << "seeds from " << first << std::endl;  // flushed: it is wanted most after a crash
  for (std::uint64_t seed = first; seed < first + test::effort(8U, 1U); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    EXPECT_EQ(to_text(make_plan(seed)), to_text(make_plan(seed)));
    EXPECT_EQ(simulate(make_plan(seed)).hash, simulate(make_plan(seed)).hash);
  }
}

TEST(Simulation, OtherSeed_OtherRun) { EXPECT_NE(simulate(make_plan(1)).hash, simulate(make_plan(2)).hash); }

// By two processes. That of the even seeds finds one before that of the odd seeds has begun.
TEST(Seeds, OnlyTheFirstIsWantedAndAHigherOneFailsBefore_LowestIsTold) {
  std::array<int, 2> found{};
  ASSERT_EQ(::pipe2(found.data(), O_CLOEXEC), 0);
  const auto fails_twice = [&](const Plan& plan) {
    Outcome outcome;
    char byte = 0;
    if (plan.seed == 1) static_cast<void>(!::read(found[0], &byte, 1));
    if (plan.seed == 12) static_cast<void>(!::write(found[1], &byte, 1));
    if (plan.seed == 7 || plan.seed == 12) outcome.violation = Violation{Invariant::budget, plan.length, "too many"};
    return outcome;
  };
  std::ostringstream table;
  testing::internal::CaptureStdout();
  EXPECT_FALSE(run_seeds({.count = 1000, .processes = 2, .only_first = true}, table, fails_twice));
  const std::string told = testing::internal::GetCapturedStdout();
  EXPECT_THAT(told, testing::HasSubstr("seed 7: budget at "));
  EXPECT_THAT(table.str(), testing::HasSubstr("budget was violated by 2 seeds"));
  for (const int end : found) ::close(end);
}

TEST(Plans, OfAThousandSeeds_HaveEveryKindOfFaultAndOverlapOnNoResource) {
  std::array<std::uint64_t, fault_kind_count> drawn{};
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const Plan plan = make_plan(seed);
    for (const Fault& fault : plan.faults) ++drawn[index(fault.kind)];
    for (std::size_t i = 1; i < plan.faults.size(); ++i) ASSERT_LE(plan.faults[i - 1].at, plan.faults[i].at);
  }
  for (std::size_t i = 0; i < fault_kind_count; ++i) {
    EXPECT_GT(drawn[i], 0U) << info(static_cast<FaultKind>(i)).name;
    EXPECT_EQ(index(info(static_cast<FaultKind>(i)).kind), i) << "the table is in the order of the kinds";
  }
}

}  // namespace
}  // namespace jeton::sim
