// When `jetonctl exec` acts on changes, and when it starts a command again.
#include "libclient/ctl/exec_timing.hpp"

#include <gtest/gtest.h>

namespace jeton::ctl {
namespace {

TEST(ChangeTimer, TokensChangeTogether_AreOneChangeAfterAQuietTime) {
  ChangeTimer changes(Milliseconds(1000), Milliseconds(0));
  EXPECT_FALSE(changes.due_ms());
  changes.note(50'000, 0.9);
  EXPECT_EQ(changes.due_ms(), 51'000);
  changes.note(50'900, 0.9);
  EXPECT_EQ(changes.due_ms(), 51'900);
  changes.reset();
  EXPECT_FALSE(changes.due_ms());
}

TEST(ChangeTimer, ChangesHaveNoEnd_AreActedOnAllTheSame) {
  ChangeTimer changes(Milliseconds(1000), Milliseconds(0));
  for (std::int64_t now = 0; now < 60'000; now += 900) changes.note(now, 0);
  EXPECT_EQ(changes.due_ms(), 10'000);
}

TEST(ChangeTimer, FleetIsSplayed_DrawIsAddedOnce) {
  ChangeTimer changes(Milliseconds(1000), Milliseconds(60'000));
  changes.note(0, 0.5);
  EXPECT_EQ(changes.due_ms(), 31'000);
  changes.note(500, 1);
  EXPECT_EQ(changes.due_ms(), 31'500);
}

TEST(RestartPause, RunsAreShort_DoublesUpToItsLimit) {
  RestartPause pause;
  for (const std::int64_t expected : {500, 1000, 2000, 4000, 8000, 16'000, 30'000, 30'000}) {
    EXPECT_EQ(pause.after(29'999, 0), expected);
  }
}

TEST(RestartPause, RunWasLong_BeginsAnew) {
  RestartPause pause;
  EXPECT_EQ(pause.after(10, 0), 500);
  EXPECT_EQ(pause.after(10, 0), 1000);
  EXPECT_EQ(pause.after(30'000, 0), 500);
  EXPECT_EQ(pause.after(10, 0), 1000);
}

TEST(RestartPause, Draw_TakesOffUpToAHalf) {
  RestartPause pause;
  EXPECT_EQ(pause.after(10, 1), 250);
  EXPECT_EQ(pause.after(10, 0.5), 750);
}

}  // namespace
}  // namespace jeton::ctl
