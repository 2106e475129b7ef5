#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/base/error.hpp"
#include "agent/service/examination.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class RunChecks : public ::testing::Test {
 protected:
  Task<Findings> after(Duration duration, std::string subject) {
    co_await sleep_for(loop.timers, duration);
    co_return Findings{{Finding::Level::ok, std::move(subject), "done"}};
  }
  static Task<Findings> failing() {
    throw Error("the disk is on fire");
    co_return Findings{};
  }
  // The checks begin at the same time, each with its subject.
  Findings run(std::vector<std::pair<std::string, Duration>> checks) {
    std::vector<Check> all;
    for (auto& [subject, duration] : checks) all.push_back({subject, after(duration, subject)});
    return loop.run(run_checks(loop.timers, std::move(all), 8s));
  }

  test::VirtualLoop loop;
};

TEST_F(RunChecks, EachEnds_FindingsAreInTheOrderOfTheChecks) {
  const BootTime begin = loop.clock.boot_now();
  const Findings found = run({{"slow", 5s}, {"fast", 1s}});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].subject, "slow");
  EXPECT_EQ(found[1].subject, "fast");
  EXPECT_EQ(loop.clock.boot_now() - begin, 5s) << "at the same time";
}

TEST_F(RunChecks, OneHangs_IsAProblemBesideTheOthers) {
  const BootTime begin = loop.clock.boot_now();
  const Findings found = run({{"hangs", 1h}, {"fast", 1s}});
  EXPECT_EQ(loop.clock.boot_now() - begin, 8s);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].subject, "hangs");
  EXPECT_EQ(found[0].level, Finding::Level::problem);
  EXPECT_THAT(found[0].text, HasSubstr("no result within 8s"));
  EXPECT_EQ(found[1].level, Finding::Level::ok);
  loop.pass(1h);  // the end of the check, which nobody hears of
}

TEST_F(RunChecks, OneFails_ItsMessageIsAProblem) {
  std::vector<Check> checks;
  checks.push_back({"disk", failing()});
  const Findings found = loop.run(run_checks(loop.timers, std::move(checks), 8s));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].level, Finding::Level::problem);
  EXPECT_EQ(found[0].subject, "disk");
  EXPECT_EQ(found[0].text, "the disk is on fire");
}

TEST_F(RunChecks, ThereAreNone_EndsAtOnce) { EXPECT_TRUE(run({}).empty()); }

}  // namespace
}  // namespace jeton::agent
