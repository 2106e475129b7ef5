#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/api/server/routes.hpp"
#include "agent/api/tokens/token_json.hpp"
#include "tests/support/loop.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::agent {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

HistoryEvent failure_at(WallTime at) {
  HistoryEvent event;
  event.at = at;
  event.event = "failed";
  event.generation = 1795000000000000;
  event.host = "host-1";
  event.lasts = Milliseconds(4000);
  event.text = "not UTF-8: \xff";
  return event;
}

TEST(HistoryJson, EventIsWhole_IsReadAsItWasWritten) {
  const WallTime at = from_unix_ms(1'795'000'000'000);
  HistoryEvent bare;
  bare.at = at;
  bare.event = "reached";
  const std::string text = history_json("wechat", {failure_at(at), bare}, at + std::chrono::seconds(2));
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["name"], "wechat");
  EXPECT_EQ(json["events"][0]["age_ms"], 2000);
  EXPECT_EQ(json["events"][1]["generation"], nullptr);
  const ReadHistory whole = read_history(text);
  EXPECT_EQ(whole.damage, "");
  const auto& read = whole.events;
  ASSERT_THAT(read, SizeIs(2));
  EXPECT_EQ(read[0].at, at);
  EXPECT_EQ(read[0].event, "failed");
  EXPECT_EQ(read[0].generation, 1795000000000000U);
  EXPECT_EQ(read[0].lasts, Milliseconds(4000));
  EXPECT_EQ(read[1].host, "");
  EXPECT_FALSE(read[1].lasts);
}

TEST(HistoryJson, TextIsDamaged_SaysSoAndLeavesOutWhatIsNoEvent) {
  for (const char* text : {"", "[]", "{", "{\"events\": 3}", "{\"events\": [3, {}, {\"at_ms\": \"x\"}]}"}) {
    const ReadHistory read = read_history(text);
    EXPECT_THAT(read.events, IsEmpty()) << text;
    EXPECT_NE(read.damage, "") << text;
  }
  const ReadHistory read = read_history("{\"events\": [3, {\"at_ms\": 1795000000000, \"event\": \"fetched\"}]}");
  ASSERT_THAT(read.events, SizeIs(1));
  EXPECT_EQ(read.events.front().event, "fetched");
  EXPECT_EQ(read.damage, "1 of its events cannot be read");
}

TEST(HistoryJson, EventsAreTooMany_TheLastAreRead) {
  const WallTime at = from_unix_ms(1'795'000'000'000);
  const std::deque<HistoryEvent> many(3 * TokenHistory::most_events, failure_at(at));
  EXPECT_THAT(read_history(history_json("wechat", many, at)).events, SizeIs(TokenHistory::most_events));
}

TEST(HistoryRoute, AnyUserAsks_EventsAreShown) {
  test::Loop loop;
  test::FakeStatus status(loop.timers);
  AccountNames names(loop.clock);
  status.add("wechat");
  status.histories["wechat"].note(failure_at(loop.clock.wall_now()));
  const Peer anybody{54321, 54321, {}, 1};
  const auto ask = [&](const std::string& target) {
    return std::get<ApiAnswer>(answer({"GET", target, {}}, anybody, status, names, loop.clock.wall_now()));
  };
  const ApiAnswer shown = ask("/v1/tokens/wechat/history");
  EXPECT_EQ(shown.status, 200U);
  EXPECT_EQ(nlohmann::json::parse(shown.body)["events"][0]["event"], "failed");
  EXPECT_EQ(ask("/v1/tokens/nobody/history").status, 404U);
}

}  // namespace
}  // namespace jeton::agent
