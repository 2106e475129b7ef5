#include <gtest/gtest.h>

#include "agent/record/record.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

class SteppedClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall_now() const override {
    return from_unix_ms(1'800'000'000'000) + to_ms(boot.time_since_epoch()) + wall_offset;
  }
  [[nodiscard]] BootTime boot_now() const override { return boot; }

  BootTime boot{1h};
  Milliseconds wall_offset{0};
};

class BootEnds : public testing::Test {
 protected:
  // Of a minute, with half a minute of overlap.
  [[nodiscard]] Record fresh() const {
    Record record;
    record.generation = 7;
    record.issued_at = clock.wall_now();
    record.expires_at = record.issued_at + 60s;
    record.previous = PreviousToken{SecretString("old"), 6, record.issued_at + 30s};
    return record;
  }
  [[nodiscard]] Record bound() const {
    Record record = fresh();
    bind_to_boot_clock(record, nullptr, clock);
    return record;
  }

  SteppedClock clock;
};

TEST_F(BootEnds, ClocksAgree_TimesStayAsTheyAre) {
  const Record record = bound();
  EXPECT_EQ(record.expires_at, clock.wall_now() + 60s);
  EXPECT_EQ(record.expires_boot, clock.boot + 60s);
  EXPECT_EQ(record.previous->accept_until, clock.wall_now() + 30s);
  EXPECT_EQ(record.previous->accept_until_boot, clock.boot + 30s);
  EXPECT_TRUE(record.valid(clock));
}

TEST_F(BootEnds, WallClockIsBack_TimesFollowIt) {
  for (const auto step : {Milliseconds(24h), Milliseconds(std::chrono::years(10))}) {
    clock.wall_offset = Milliseconds{0};
    Record record = bound();
    clock.wall_offset = -step;
    bind_to_boot_clock(record, nullptr, clock);
    EXPECT_EQ(record.expires_at, clock.wall_now() + 60s);
    EXPECT_EQ(record.issued_at, clock.wall_now());
    EXPECT_EQ(record.previous->accept_until, clock.wall_now() + 30s);
    clock.boot += 60s;
    EXPECT_FALSE(record.valid(clock));
  }
}

TEST_F(BootEnds, WallClockIsAheadForAWhile_TokenHasRunOutMeanwhile) {
  Record record = bound();
  clock.wall_offset = std::chrono::years(10);
  EXPECT_FALSE(record.valid(clock));
  bind_to_boot_clock(record, nullptr, clock);
  clock.wall_offset = Milliseconds{0};
  EXPECT_TRUE(record.valid(clock));
  clock.boot += 60s;
  EXPECT_FALSE(record.valid(clock));
}

TEST_F(BootEnds, SameGenerationIsHeardOfWithLaterTimes_KnownEndsHold) {
  const Record known = bound();
  clock.wall_offset = -24h;
  Record heard = fresh();  // dated by a coordinator whose clock was stepped
  clock.boot += 50s;
  heard.issued_at += 50s;
  heard.expires_at += 50s;
  heard.previous->accept_until += 50s;
  bind_to_boot_clock(heard, &known, clock);
  EXPECT_EQ(heard.expires_boot, known.expires_boot);
  EXPECT_EQ(heard.expires_at, clock.wall_now() + 10s);
  EXPECT_EQ(heard.previous->accept_until_boot, known.previous->accept_until_boot);
}

TEST_F(BootEnds, RecordOfAnotherBoot_LastsNoLongerThanItsLifetime) {
  Record record = fresh();
  clock.wall_offset = -1min;  // and so it would last for two minutes
  bind_to_boot_clock(record, nullptr, clock);
  EXPECT_EQ(record.expires_boot, clock.boot + 60s);
}

// A machine without a clock of its own starts in the past.
TEST_F(BootEnds, RecordOfAnotherBootIsDatedInTheFuture_HasRunOut) {
  Record record = fresh();
  clock.wall_offset = -24h;
  bind_to_boot_clock(record, nullptr, clock);
  EXPECT_FALSE(record.valid(clock));
  EXPECT_FALSE(record.valid_at(clock.wall_now()));
}

TEST_F(BootEnds, HostsDifferByMilliseconds_NothingMoves) {
  Record record = fresh();
  record.issued_at += 200ms;
  record.expires_at += 200ms;
  const WallTime before = record.expires_at;
  bind_to_boot_clock(record, nullptr, clock);
  EXPECT_EQ(record.expires_at, before);
}

TEST_F(BootEnds, TimesAreShifted_EveryWallTimeMoves) {
  Record record = fresh();
  record.previous->expires_at = record.issued_at;
  shift_times(record, -500ms);
  EXPECT_EQ(record.issued_at, fresh().issued_at - 500ms);
  EXPECT_EQ(record.expires_at, fresh().expires_at - 500ms);
  EXPECT_EQ(record.previous->accept_until, fresh().previous->accept_until - 500ms);
  EXPECT_EQ(record.previous->expires_at, fresh().issued_at - 500ms);
}

}  // namespace
}  // namespace jeton::agent
