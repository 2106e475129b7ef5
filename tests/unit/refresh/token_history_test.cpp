#include "agent/refresh/token_history.hpp"

#include <gmock/gmock.h>

#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using agent::HistoryEvent;
using agent::TokenHistory;
using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<std::string> names(const TokenHistory& history) {
  std::vector<std::string> all;
  for (const HistoryEvent& event : history.events()) all.push_back(event.event);
  return all;
}

TEST(TokenHistory, EventsAreMany_OldestGiveWay) {
  TokenHistory history;
  for (std::size_t i = 0; i < 3 * TokenHistory::most_events; ++i) {
    history.note({.event = std::to_string(i), .text = std::string(10'000, 'x')});
  }
  ASSERT_THAT(history.events(), SizeIs(TokenHistory::most_events));
  EXPECT_EQ(history.events().back().event, "299");
  EXPECT_LE(history.events().back().text.size(), TokenHistory::longest_text + 3);
  EXPECT_EQ(history.changes(), 300U);
}

TEST(TokenHistory, EarlierRunHadSome_TheyComeFirst) {
  TokenHistory history;
  history.note({.event = "adopted"});
  history.restore({{.event = "fetched"}, {.event = "failed"}});
  EXPECT_THAT(names(history), ElementsAre("fetched", "failed", "adopted"));
  EXPECT_EQ(history.changes(), 1U) << "nothing new has to be written";
  history.restore(std::deque<HistoryEvent>(TokenHistory::most_events));
  ASSERT_THAT(history.events(), SizeIs(TokenHistory::most_events));
  EXPECT_EQ(history.events().back().event, "adopted");
}

TEST(RefreshHistory, FetchFails_IsOneEventWithTheNextTry) {
  RefreshParts parts;
  const agent::SourceError failure(agent::SourceError::Kind::permanent, "answered 401");
  parts.loop.run(parts.pauses.begin(failure, parts.path));
  ASSERT_THAT(names(parts.history), ElementsAre("failed"));
  const HistoryEvent& event = parts.history.events().back();
  EXPECT_EQ(event.text, "answered 401");
  EXPECT_EQ(event.lasts, parts.config.refresh.retry_permanent);
  EXPECT_EQ(event.host, "host");
  EXPECT_EQ(event.at, parts.loop.clock.wall_now());
}

TEST(RefreshHistory, AnotherHostBeginsAPause_IsNotedOnce) {
  RefreshParts parts;
  const agent::Pause pause{parts.now() + std::chrono::minutes(5), "answered 429"};
  parts.pauses.hear(pause);
  parts.pauses.hear(pause);
  ASSERT_THAT(names(parts.history), ElementsAre("paused"));
  EXPECT_EQ(parts.history.events().back().lasts, std::chrono::minutes(5));
}

TEST(RefreshHistory, AnotherHostFetches_IsNamed) {
  RefreshParts parts;
  parts.journal.renewed(parts.record(7));
  parts.journal.rejected(7, 1);
  ASSERT_THAT(names(parts.history), ElementsAre("received", "rejected"));
  EXPECT_EQ(parts.history.events().front().host, "other");
  EXPECT_EQ(parts.history.events().front().generation, 7U);
}

TEST(RefreshHistory, ThisHostFetches_LockAndFenceAreNoted) {
  RefreshParts parts;
  parts.journal.lock_won(42, false);
  agent::Record own = parts.record(42);
  own.fetched_by = "host";
  parts.journal.published(own, false);
  parts.journal.renewed(own);
  ASSERT_THAT(names(parts.history), ElementsAre("lock", "fetched"));
  EXPECT_EQ(parts.history.events().front().text, "fence 42");
}

TEST(RefreshHistory, CoordinatorIsAway_IsNotedAtTheBeginningAndTheEnd) {
  RefreshParts parts;
  for (int i = 0; i < 5; ++i) parts.fail(agent::Outage::Step::lock);
  parts.outage.answered(agent::Outage::Step::lock);
  EXPECT_THAT(names(parts.history), ElementsAre("outage", "reached"));
}

}  // namespace
}  // namespace jeton::test
