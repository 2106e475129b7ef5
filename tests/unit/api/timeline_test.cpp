#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "agent/api/page/status_page.hpp"
#include "tests/support/virtual_loop.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::Not;

class TimelineTest : public ::testing::Test {
 protected:
  WallTime now() { return loop.clock.wall_now(); }

  test::VirtualLoop loop;
  test::FakeStatus status{loop.timers};
};

// 10 minutes of 120 are over, and half a life before it is shown: 60 + 120 + 4.8 minutes.
TEST_F(TimelineTest, TokenIsValid_TimelineHasIssueNowAndEndAtTheirPlaces) {
  const std::string svg = timeline_svg(status.add("wechat"), {}, now());
  EXPECT_THAT(svg, HasSubstr(R"(class="whole" x="32.47%" width="64.93%")"));
  EXPECT_THAT(svg, HasSubstr(R"(class="spent" x="32.47%" width="5.41%")"));
  EXPECT_THAT(svg, HasSubstr(R"(class="grace" x="94.70%" width="2.70%")"));
  EXPECT_THAT(svg, HasSubstr(R"(class="now" x1="37.88%" x2="37.88%")"));
  EXPECT_THAT(svg, HasSubstr(R"(href="#mark-due" x="94.62%")"));
}

TEST_F(TimelineTest, PastHasRefreshesAndFailures_EachHasItsMarkInsideOfThePicture) {
  TokenHistory& history = status.histories["wechat"];
  const auto note = [&](Milliseconds ago, const char* what) {
    HistoryEvent event;
    event.at = now() - ago;
    event.event = what;
    event.host = "host-2";
    history.note(event);
  };
  note(hours(9), "fetched");
  note(minutes(40), "failed");
  note(minutes(30), "received");
  note(minutes(10), "lock");
  note(minutes(10), "fetched");
  note(minutes(1), "rejected");
  const std::string row = row_of(status, status.add("wechat"), now());
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (std::size_t at = row.find(text); at != std::string::npos; at = row.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("href=\"#mark-refreshed\""), 2) << "the one of nine hours ago is not in the picture";
  EXPECT_EQ(count("href=\"#mark-failed\""), 1);
  EXPECT_EQ(count("href=\"#mark-other\""), 1);
  EXPECT_EQ(count("class=\"before\""), 2) << "the lives of the two tokens before";
  EXPECT_EQ(count("<li>"), 6) << "all are in the list";
  EXPECT_THAT(row, HasSubstr("before: 3 refreshed, 1 failed"));
  const std::string list = row.substr(row.find("<ol"));
  EXPECT_LT(list.find("rejected by host-2"), list.find("received by host-2")) << "the newest is first";
}

// A token that fails for hours has a history full of failures.
TEST_F(TimelineTest, PastIsLong_PictureAndListStaySmall) {
  TokenHistory& history = status.histories["wechat"];
  for (int i = 100; i > 0; --i) {
    HistoryEvent event;
    event.at = now() - Milliseconds(100 * i);
    event.event = "failed";
    event.text = "attempt " + std::to_string(i);
    history.note(event);
  }
  const std::string row = row_of(status, status.add("wechat"), now());
  const std::string svg = row.substr(0, row.find("</svg>"));
  const std::size_t mark = svg.find("href=\"#mark-failed\"");
  ASSERT_NE(mark, std::string::npos);
  EXPECT_EQ(svg.find("href=\"#mark-failed\"", mark + 1), std::string::npos) << "all are at one place";
  EXPECT_THAT(svg.substr(mark), HasSubstr("attempt 1<")) << "the newest";
  EXPECT_THAT(row, HasSubstr("attempt 20<"));
  EXPECT_THAT(row, Not(HasSubstr("attempt 21<")));
  EXPECT_THAT(row, HasSubstr("80 more: <code>jetonctl history wechat</code>"));
}

TEST_F(TimelineTest, TokenIsExpired_PictureGoesOnUntilNow) {
  TokenStatus& token = status.add("wechat");
  token.state = TokenState::expired;
  token.issued_at = now() - hours(3);
  token.expires_at = now() - hours(1);
  const std::string svg = timeline_svg(token, {}, now());
  EXPECT_THAT(svg, HasSubstr("class=\"without\""));
  EXPECT_THAT(svg, HasSubstr(R"(class="now" x1="100.00%")"));
}

TEST_F(TimelineTest, TokenIsNotThereYetOrItsTimesAreExtreme_PictureIsDrawn) {
  TokenStatus& token = status.add("wechat");
  token.issued_at.reset();
  token.expires_at.reset();
  token.refresh_at.reset();
  EXPECT_THAT(timeline_svg(token, {}, now()), HasSubstr(R"(class="now" x1="50.00%")"));
  token.issued_at = from_unix_ms(0);
  token.expires_at = now() + hours(24 * 36'525);
  EXPECT_THAT(timeline_svg(token, {}, now()), HasSubstr("class=\"whole\""));
  token.expires_at = from_unix_ms(-1);
  EXPECT_THAT(timeline_svg(token, {}, now()), HasSubstr("class=\"now\""));
}

}  // namespace
}  // namespace jeton::agent
