// `jetonctl wait`, as a process on a real segment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/ctl/ctl_host.hpp"

namespace jeton::agent {
namespace {

using test::CtlHost;
using test::RunResult;
using ::testing::HasSubstr;

class CtlWait : public ::testing::Test {
 protected:
  CtlHost host;
};

TEST_F(CtlWait, PrintsTheGenerationOfAValidTokenAtOnce) {
  host.publish(host.add("wechat"), host.record(7));
  EXPECT_EQ(host.ctl({"wait", "wechat"}).out, "7\n");
  EXPECT_EQ(host.ctl({"wait", "wechat", "--after", "6"}).out, "7\n");
  EXPECT_EQ(host.ctl({"--format", "json", "wait", "wechat"}).out, "{\"name\":\"wechat\",\"generation\":7}\n");
}

TEST_F(CtlWait, BlocksUntilTheGenerationIsAbove) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7));
  test::Process waiting(host.command({"wait", "wechat", "--after", "8"}));
  host.publish(store, host.record(8));
  host.publish(store, host.record(9));
  EXPECT_EQ(waiting.wait(), 0);
  EXPECT_EQ(waiting.out(), "9\n");
}

TEST_F(CtlWait, BlocksUntilAnExpiredTokenIsReplaced) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7, -std::chrono::seconds(1)));
  test::Process waiting(host.command({"wait", "wechat"}));
  host.publish(store, host.record(8));
  EXPECT_EQ(waiting.wait(), 0);
  EXPECT_EQ(waiting.out(), "8\n");
}

TEST_F(CtlWait, BlocksUntilTheAgentHasStarted) {
  test::Process waiting(host.command({"wait", "wechat"}));
  host.publish(host.add("wechat"), host.record(7));
  EXPECT_EQ(waiting.wait(), 0);
}

TEST_F(CtlWait, AfterItsTimeoutIsFour) {
  SegmentStore& store = host.add("wechat");
  const RunResult none = host.ctl({"wait", "wechat", "--timeout", "20ms"});
  EXPECT_EQ(none.status, 4);
  EXPECT_THAT(none.err, HasSubstr("is not valid"));
  host.publish(store, host.record(7));
  const RunResult old = host.ctl({"wait", "wechat", "--after", "7", "--timeout", "20ms"});
  EXPECT_EQ(old.status, 4);
  EXPECT_THAT(old.err, HasSubstr("no generation above 7"));
}

TEST_F(CtlWait, ForANameThatTheAgentDoesNotKnowIsOne) {
  host.start_agent();
  EXPECT_EQ(host.ctl({"wait", "wechat"}).status, 1);
}

}  // namespace
}  // namespace jeton::agent
