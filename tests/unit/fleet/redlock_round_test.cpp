// How long a question to a quorum is waited for, in virtual time.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "agent/fleet/redlock/redlock_quorum.hpp"
#include "tests/support/virtual_timers.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using Round = RedlockRound<bool>;

constexpr Duration round_grace = 100ms;
constexpr Duration timeout = 10s;

class RedlockRoundTest : public testing::Test {
 protected:
  // Waits for three times "yes"; how long it took, once it has ended.
  void wait() {
    const auto decided = [](const Round& r) { return r.count([](bool yes) { return yes; }) >= r.majority(); };
    begin(Round::wait(round, decided, begun + timeout));
  }
  void begin(Task<> waiting) {
    boost::asio::co_spawn(timers.executor(), std::move(waiting),
                          [this](const std::exception_ptr&) { took = timers.clock().boot_now() - begun; });
    timers.run_for(0ms);
  }
  void at(Duration when) { timers.run_until(begun + when); }

  test::VirtualTimers timers;
  const BootTime begun = timers.clock().boot_now();
  std::shared_ptr<Round> round = std::make_shared<Round>(timers, 5, round_grace);
  std::optional<Duration> took;
};

TEST_F(RedlockRoundTest, MajorityThatAgrees_IsEnough) {
  wait();
  for (std::size_t i = 2; i < 5; ++i) round->answer(i, true);
  at(0ms);
  EXPECT_EQ(took, 0ms);
}

TEST_F(RedlockRoundTest, DividedMajorityBesideADeadMinority_IsWaitedForAGraceOnly) {
  wait();
  at(1ms);
  for (std::size_t i = 2; i < 5; ++i) round->answer(i, i != 4);
  at(1h);
  EXPECT_EQ(took, 1ms + round_grace);
}

TEST_F(RedlockRoundTest, ServerSlowerThanADividedMajority_StillDecidesWithinTheGrace) {
  wait();
  for (std::size_t i = 2; i < 5; ++i) round->answer(i, i != 4);
  at(round_grace - 1ms);
  EXPECT_FALSE(took);
  round->answer(1, true);
  at(1h);
  EXPECT_EQ(took, round_grace - 1ms);
}

TEST_F(RedlockRoundTest, SlowMajority_GivesTheOthersFourTimesItsTime) {
  wait();
  at(1s);
  for (std::size_t i = 2; i < 5; ++i) round->answer(i, i != 4);
  at(1h);
  EXPECT_EQ(took, 5s);
}

TEST_F(RedlockRoundTest, MinorityThatAnswers_IsNoReasonToEndBeforeTheDeadline) {
  wait();
  for (std::size_t i = 3; i < 5; ++i) round->answer(i, true);
  at(timeout - 1ms);
  EXPECT_FALSE(took);
  at(1h);
  EXPECT_EQ(took, timeout);
}

TEST_F(RedlockRoundTest, ServersThatFailed_AreNoPartOfTheMajority) {
  wait();
  for (std::size_t i = 0; i < 3; ++i) round->fail(i, "refused");
  round->answer(3, true);
  at(timeout - 1ms);
  EXPECT_FALSE(took);
  round->answer(4, true);
  at(1h);
  EXPECT_EQ(took, timeout - 1ms) << "every question has ended";
}

TEST_F(RedlockRoundTest, WaitForAll_WaitsForTheSlowestToo) {
  begin(Round::wait_for_all(round, begun + timeout));
  for (std::size_t i = 1; i < 5; ++i) round->answer(i, true);
  at(timeout - 1ms);
  EXPECT_FALSE(took);
  round->answer(0, true);
  at(1h);
  EXPECT_EQ(took, timeout - 1ms);
}

}  // namespace
}  // namespace jeton::agent
