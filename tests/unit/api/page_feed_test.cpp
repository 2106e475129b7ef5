#include "agent/api/page/page_feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/virtual_loop.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::agent {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Json = nlohmann::json;

// What a page is sent, with the moment of each event.
class PageStream final : public LineStream {
 public:
  explicit PageStream(const Clock& clock) : clock_(clock) {}

  Task<> send_line(std::string line) override {
    events.push_back(std::move(line));
    times.push_back(clock_.boot_now());
    co_return;
  }
  void check_open() const override {}
  [[nodiscard]] bool has_room() override { return true; }
  void when_room(std::function<void()> ready) override { ready(); }

  std::vector<std::string> events;
  std::vector<BootTime> times;

 private:
  const Clock& clock_;
};

Json data_of(const std::string& event) {
  const std::size_t begin = event.find("data: ") + 6;
  EXPECT_THAT(event, ::testing::EndsWith("\n\n"));
  EXPECT_EQ(event.find('\n', begin), event.size() - 2) << "one line of data";
  return Json::parse(event.substr(begin));
}

class PageFeedTest : public ::testing::Test {
 protected:
  PageFeedTest() {
    status.add("github");
    status.add("wechat");
  }
  ~PageFeedTest() override {
    boost::asio::post(loop.context, [this] { cancel.emit(boost::asio::cancellation_type::terminal); });
    EXPECT_TRUE(loop.turn_until([this] { return !follows || ended; }));
  }

  std::string look_again(std::uint64_t& known) {
    feed->look(Duration{0});
    return loop.run(feed->news(known));
  }
  // The state that the page keeps.
  std::string page_state() {
    const std::string html = loop.run(feed->page());
    const std::size_t begin = html.find("data-seen=\"") + 11;
    return html.substr(begin, html.find('"', begin) - begin);
  }
  void follow(Duration then = seconds(2)) {
    follows = true;
    boost::asio::co_spawn(
        loop.context, PageFeed::follow(feed, seen, seconds(30), stream),
        boost::asio::bind_cancellation_slot(cancel.slot(), [this](const std::exception_ptr&) { ended = true; }));
    loop.pass(then);
  }
  void change(const std::string& name, Generation generation) {
    status.token(name).generation = generation;
    status.changed().notify();
  }

  test::VirtualLoop loop;
  test::FakeStatus status{loop.timers};
  std::shared_ptr<PageFeed> feed = std::make_shared<PageFeed>(status, loop.timers);
  std::uint64_t seen = 0;
  PageStream stream{loop.clock};
  boost::asio::cancellation_signal cancel;
  bool follows = false;
  bool ended = false;
};

TEST_F(PageFeedTest, PageKnowsNothing_GetsAllRowsAndThenNothingMore) {
  const Json first = data_of(look_again(seen));
  EXPECT_EQ(first["complete"], true);
  EXPECT_THAT(first["rows"], SizeIs(2));
  EXPECT_EQ(first["now_ms"], to_unix_ms(loop.clock.wall_now()));
  EXPECT_THAT(first["facts"].get<std::string>(), HasSubstr("2 of 2 valid"));
  EXPECT_THAT(look_again(seen), IsEmpty());
  loop.pass(std::chrono::hours(1));
  EXPECT_THAT(look_again(seen), IsEmpty()) << "the page itself moves its times on";
}

TEST_F(PageFeedTest, OneTokenChanges_EachPageGetsItsRowOnce) {
  std::uint64_t other = 0;
  (void)look_again(seen);
  (void)look_again(other);
  status.token("wechat").generation = 42;
  for (std::uint64_t* page : {&seen, &other}) {
    const Json news = data_of(look_again(*page));
    EXPECT_EQ(news["complete"], false);
    ASSERT_THAT(news["rows"], SizeIs(1));
    EXPECT_THAT(news["rows"][0].get<std::string>(), HasSubstr("data-name=\"wechat\""));
    EXPECT_THAT(look_again(*page), IsEmpty());
  }
}

TEST_F(PageFeedTest, PageWasLoaded_IsSentOnlyWhatCameSince) {
  seen = feed->state_of(page_state());
  loop.pass(seconds(2));
  change("wechat", 42);
  follow();
  ASSERT_THAT(stream.events, SizeIs(1));
  const Json news = data_of(stream.events[0]);
  EXPECT_EQ(news["complete"], false);
  ASSERT_THAT(news["rows"], SizeIs(1));
  EXPECT_THAT(news["rows"][0].get<std::string>(), HasSubstr("data-name=\"wechat\""));
  EXPECT_GT(feed->state_of(news["seen"].get<std::string>()), seen);
}

TEST_F(PageFeedTest, NothingCameSinceThePageWasLoaded_IsToldThatItIsLive) {
  seen = feed->state_of(page_state());
  follow();
  ASSERT_THAT(stream.events, SizeIs(1));
  EXPECT_THAT(data_of(stream.events[0])["rows"], IsEmpty());
}

TEST_F(PageFeedTest, PageIsOfAnotherRunOrItsStateIsNonsense_KnowsNothing) {
  const std::string state = page_state();
  EXPECT_GT(feed->state_of(state), 0U);
  const std::string start = state.substr(0, state.find('-') + 1);
  for (const std::string& other : {"1" + state, state + "x", start, start + "99999999", start + "-1", std::string()}) {
    EXPECT_EQ(feed->state_of(other), 0U) << other;
  }
  status.agent().started_at += seconds(1);
  feed->look(Duration{0});
  EXPECT_EQ(feed->state_of(state), 0U);
}

TEST_F(PageFeedTest, ManyPagesFollow_ShareOneLookASecond) {
  EXPECT_TRUE(feed->look(seconds(1)));
  EXPECT_FALSE(feed->look(seconds(1)));
  loop.pass(seconds(1));
  EXPECT_TRUE(feed->look(seconds(1)));
}

// The look of the second page is the first one's, which a change may follow that nobody hears of.
TEST_F(PageFeedTest, ChangeComesAfterALookOfAnotherPage_IsSentWithinASecond) {
  seen = feed->state_of(page_state());
  follow(std::chrono::milliseconds(100));
  const BootTime changed = loop.clock.boot_now();
  change("wechat", 42);
  loop.pass(seconds(3));
  ASSERT_THAT(stream.events, SizeIs(2));
  EXPECT_LE(stream.times.back() - changed, seconds(1));
}

TEST_F(PageFeedTest, TokenComesOrGoes_AllRowsAreSent) {
  (void)look_again(seen);
  status.remove("wechat");
  const Json gone = data_of(look_again(seen));
  EXPECT_EQ(gone["complete"], true);
  EXPECT_THAT(gone["rows"], SizeIs(1));
  status.remove("github");
  status.add("slack");
  const Json exchanged = data_of(look_again(seen));
  EXPECT_EQ(exchanged["complete"], true);
  EXPECT_THAT(exchanged["rows"][0].get<std::string>(), HasSubstr("slack"));
}

TEST_F(PageFeedTest, RefreshBecomesDueInAPause_RowIsSentAlthoughOnlyTimePassed) {
  status.remove("github");
  TokenStatus& token = status.token("wechat");
  token.paused_until = token.expires_at;
  (void)look_again(seen);
  loop.pass(*token.refresh_at - loop.clock.wall_now() + seconds(1));
  const Json news = data_of(look_again(seen));
  EXPECT_THAT(news["facts"].get<std::string>(), HasSubstr("1 to look at"));
  ASSERT_THAT(news["rows"], SizeIs(1));
  EXPECT_THAT(news["rows"][0].get<std::string>(), HasSubstr(">paused<"));
  EXPECT_THAT(look_again(seen), IsEmpty());
}

TEST_F(PageFeedTest, ErrorHasLinesAndBytesThatAreNoText_EventStaysOneLine) {
  status.token("wechat").last_error = "first\nsecond\r\n\xff";
  const Json news = data_of(look_again(seen));
  EXPECT_THAT(news["rows"], SizeIs(2));
}

TEST_F(PageFeedTest, ManyChangesComeAtOnce_AreOneEventASecond) {
  follow();
  ASSERT_THAT(stream.events, SizeIs(1));
  for (Generation generation = 1; generation <= 30; ++generation) {
    change("wechat", generation);
    loop.pass(std::chrono::milliseconds(100));
  }
  loop.pass(seconds(2));
  EXPECT_THAT(stream.events, SizeIs(::testing::AllOf(::testing::Ge(3), ::testing::Le(6))));
  for (std::size_t i = 1; i < stream.times.size(); ++i) EXPECT_GE(stream.times[i] - stream.times[i - 1], seconds(1));
  EXPECT_THAT(data_of(stream.events.back())["rows"][0].get<std::string>(), HasSubstr("<dd>30</dd>")) << "the last one";
}

TEST_F(PageFeedTest, OneChangeComesAfterAQuietTime_IsSentAtOnce) {
  follow();
  const BootTime changed = loop.clock.boot_now();
  change("wechat", 7);
  loop.pass(seconds(3));
  ASSERT_THAT(stream.events, SizeIs(2));
  EXPECT_LT(stream.times.back() - changed, seconds(1));
}

TEST_F(PageFeedTest, NothingChanges_HeartbeatsAreSent) {
  follow();
  loop.pass(seconds(70));
  ASSERT_THAT(stream.events, SizeIs(3));
  EXPECT_EQ(stream.events.back(), "event: heartbeat\ndata: {}\n\n");
}

TEST_F(PageFeedTest, CoordinatorIsLost_IsToldWithoutANotification) {
  follow();
  status.agent().coordinator.reachable = false;
  loop.pass(seconds(7));
  ASSERT_THAT(stream.events, SizeIs(2));
  const Json news = data_of(stream.events.back());
  EXPECT_THAT(news["rows"], IsEmpty());
  EXPECT_THAT(news["facts"].get<std::string>(), HasSubstr("unreachable"));
}

}  // namespace
}  // namespace jeton::agent
