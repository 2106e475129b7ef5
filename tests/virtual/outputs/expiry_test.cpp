// What becomes of the file of a token that has expired, or has left the configuration.
#include "tests/virtual/outputs/virtual_outputs.hpp"

namespace jeton::test {
namespace {

class OutputExpiry : public VirtualOutputs {};

TEST_F(OutputExpiry, TokenExpires_FileStaysByDefault) {
  add("api", "f").on_change = hook("x.service", 0ms);
  configure();
  renew("api", "tok", 1min);
  loop.pass(1h);
  EXPECT_EQ(content("f"), "tok");
  EXPECT_EQ(hooks.at.size(), 1U);
}

TEST_F(OutputExpiry, FileIsToBeRemoved_GoesWithTheTokenAndComesBackWithTheNext) {
  agent::OutputConfig& output = add("api", "f");
  output.remove_expired = true;
  output.on_change = hook("x.service", 0ms);
  configure();
  renew("api", "tok1", 1min);
  loop.pass(59s);
  EXPECT_EQ(content("f"), "tok1");
  loop.pass(1s);
  EXPECT_EQ(content("f"), "none");
  EXPECT_EQ(status().state, State::removed);
  EXPECT_EQ(hooks.at.size(), 2U) << "the program is to forget it, too";
  loop.pass(1h);
  EXPECT_EQ(calls.made.size(), 2U);
  renew("api", "tok2");
  EXPECT_EQ(content("f"), "tok2");
}

TEST_F(OutputExpiry, OneOfSeveralTokensExpires_FileIsRemoved) {
  add("api", "f", "{{ value }}{{ billing:value }}").remove_expired = true;
  configure();
  renew("api", "a", 1h);
  renew("billing", "b", 1min);
  EXPECT_EQ(content("f"), "ab");
  loop.pass(1min);
  EXPECT_EQ(content("f"), "none");
}

TEST_F(OutputExpiry, WallClockIsSetBack_TokenEndsByTheBootClock) {
  add("api", "f").remove_expired = true;
  configure();
  renew("api", "tok", 1h);
  loop.virtual_clock().wall_offset -= 24h;
  outputs->clock_stepped();
  loop.pass(59min);
  EXPECT_EQ(content("f"), "tok");
  loop.pass(1min);
  EXPECT_EQ(content("f"), "none");
}

TEST_F(OutputExpiry, WallClockIsSetForward_FileIsRemovedAtOnce) {
  add("api", "f").remove_expired = true;
  configure();
  renew("api", "tok", 1h);
  loop.virtual_clock().wall_offset += 2h;
  outputs->clock_stepped();
  settle();
  EXPECT_EQ(content("f"), "none");
}

// At the start the record of the fleet may be on its way: a file that is good is not removed for that.
TEST_F(OutputExpiry, NothingIsKnownOfTheToken_FileIsRemovedAfterAMinute) {
  add("api", "f").remove_expired = true;
  dir.write("f", "of an earlier run");
  configure();
  loop.pass(59s);
  EXPECT_EQ(content("f"), "of an earlier run");
  loop.pass(2s);
  EXPECT_EQ(content("f"), "none");
}

TEST_F(OutputExpiry, TokenIsKnownWithinTheMinute_FileStays) {
  add("api", "f").remove_expired = true;
  dir.write("f", "tok");
  configure();
  const ino_t file = inode("f");
  loop.pass(50s);
  renew("api", "tok");
  loop.pass(5min);
  EXPECT_EQ(inode("f"), file);
}

TEST_F(OutputExpiry, OutputLeavesTheConfiguration_FileStaysOrGoesAsConfigured) {
  add("api", "kept");
  agent::OutputConfig& removed = add("api", "removed");
  removed.remove_expired = true;
  removed.on_change = hook("x.service", 0ms);
  configure();
  renew("api", "tok");
  ASSERT_EQ(hooks.at.size(), 1U);
  config.clear();
  configure();
  EXPECT_EQ(content("kept"), "tok");
  EXPECT_EQ(content("removed"), "none");
  EXPECT_EQ(hooks.at.size(), 2U) << "the program is to forget it, too";
  EXPECT_TRUE(outputs->status("api").empty());
  loop.pass(1h);
  EXPECT_EQ(hooks.at.size(), 2U);
}

TEST_F(OutputExpiry, OutputComesBackWhileItIsRemoved_IsWrittenAgain) {
  add("api", "f").remove_expired = true;
  configure();
  renew("api", "tok");
  calls.delays[(dir / "f").string()] = 5s;
  const auto before = std::exchange(config, {});
  configure();
  config = before;
  configure();
  loop.pass(1min);
  EXPECT_EQ(content("f"), "tok");
  renew("api", "tok2");
  loop.pass(1min);
  EXPECT_EQ(content("f"), "tok2");
}

}  // namespace
}  // namespace jeton::test
