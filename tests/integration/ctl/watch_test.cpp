// `jetonctl watch`, as a process on a real segment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/integration/ctl/ctl_host.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::agent {
namespace {

using test::CtlHost;
using test::eventually;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class CtlWatch : public ::testing::Test {
 protected:
  static bool says(test::Process& watch, const std::string& text) {
    return eventually([&] { return watch.out().find(text) != std::string::npos; });
  }
  CtlHost host;
};

TEST_F(CtlWatch, GenerationChanges_OneLineIsPrintedWithoutTheToken) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7));
  test::Process watch(host.command({"watch", "wechat"}));
  ASSERT_TRUE(says(watch, "generation 7"));
  host.publish(store, host.record(8));
  ASSERT_TRUE(says(watch, "generation 8"));
  const std::string out = watch.out();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2) << out;
  EXPECT_THAT(out, AllOf(HasSubstr("valid"), Not(HasSubstr("s3cret"))));
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait(), 128 + SIGINT);
}

TEST_F(CtlWatch, FormatIsJson_PrintsJsonLines) {
  SegmentStore& store = host.add("wechat");
  const Record record = host.record(7);
  host.publish(store, record);
  test::Process watch(host.command({"--format", "json", "watch", "wechat"}));
  ASSERT_TRUE(says(watch, "\n"));
  const Json line = Json::parse(watch.out());
  EXPECT_EQ(line["name"], "wechat");
  EXPECT_EQ(line["state"], "valid");
  EXPECT_EQ(line["generation"], 7);
  EXPECT_EQ(line["expires_at_ms"], to_unix_ms(record.expires_at));
}

TEST_F(CtlWatch, TokenExpiresAndIsReplaced_BothArePrinted) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7, std::chrono::milliseconds(300)));
  test::Process watch(host.command({"watch", "wechat"}));
  ASSERT_TRUE(says(watch, "expired "));
  host.publish(store, host.record(8));
  EXPECT_TRUE(says(watch, "generation 8"));
}

TEST_F(CtlWatch, AgentStartsLateAndRestarts_EachGenerationIsPrinted) {
  host.end_writer();
  test::Process watch(host.command({"watch", "wechat"}));
  ASSERT_TRUE(says(watch, "missing"));
  host.begin_writer();
  host.publish(host.add("wechat"), host.record(7));
  ASSERT_TRUE(says(watch, "generation 7"));
  host.end_writer();
  host.begin_writer();
  host.publish(host.add("wechat"), host.record(8));
  ASSERT_TRUE(says(watch, "generation 8"));
  EXPECT_TRUE(watch.running());
}

TEST_F(CtlWatch, TokenIsRemovedAndComesBack_GoesOn) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7));
  test::Process watch(host.command({"watch", "wechat"}));
  ASSERT_TRUE(says(watch, "generation 7"));
  store.retire();
  ASSERT_TRUE(says(watch, "missing"));
  host.publish(host.add("wechat"), host.record(8));
  EXPECT_TRUE(says(watch, "generation 8"));
}

TEST_F(CtlWatch, OutputIsClosed_EndsWithStatusZero) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7));
  const auto result = host.shell("{ \"$@\"; echo status $? >&2; } | head -n 1", {"watch", "wechat"});
  EXPECT_THAT(result.out, HasSubstr("generation 7"));
  EXPECT_EQ(result.err, "status 0\n");
}

TEST_F(CtlWatch, NameIsUnknownToTheAgent_ExitStatusIsOne) {
  host.start_agent();
  EXPECT_EQ(host.ctl({"watch", "wechat"}).status, 1);
}

}  // namespace
}  // namespace jeton::agent
