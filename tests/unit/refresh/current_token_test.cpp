#include "agent/refresh/current_token.hpp"

#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using agent::Generation;
using agent::SecretString;
using std::chrono::minutes;
using std::chrono::seconds;

struct TokenParts : RefreshParts {
  TokenParts() {
    config.refresh.overlap = minutes(1);
    segment.observer = [this] { ++writes; };
  }
  [[nodiscard]] agent::Record fetched(const std::string& value, Generation generation) {
    agent::FetchedToken token;
    token.value = SecretString(value);
    token.issued_at = loop.clock.wall_now();
    token.expires_at = token.issued_at + minutes(10);
    return current.successor(std::move(token), now(), generation, "host", false);
  }
  [[nodiscard]] std::string_view shown() const { return segment.record->value.reveal(); }
  int writes = 0;
};

TEST(CurrentToken, RecordIsOlder_IsIgnored) {
  TokenParts parts;
  EXPECT_TRUE(parts.current.accept(parts.record(5)));
  EXPECT_FALSE(parts.current.accept(parts.record(4)));
  EXPECT_EQ(parts.current.generation(), 5U);
  EXPECT_EQ(parts.shown(), "token-5");
  EXPECT_EQ(parts.writes, 1);
}

TEST(CurrentToken, SameRecordComesAgain_IsNotWrittenAgain) {
  TokenParts parts;
  EXPECT_TRUE(parts.current.accept(parts.record(5)));
  EXPECT_TRUE(parts.current.accept(parts.record(5)));
  EXPECT_EQ(parts.writes, 1);
}

TEST(CurrentToken, FenceIsAboveTheRecord_IsTheNextGeneration) {
  TokenParts parts;
  parts.take(parts.record(5));
  EXPECT_EQ(parts.current.next_generation(6), 6U);
}

// A coordinator that lost its counter.
TEST(CurrentToken, FenceIsNotAboveTheRecord_NextGenerationIsAboveTheRecord) {
  TokenParts parts;
  parts.take(parts.record(500));
  EXPECT_GT(parts.current.next_generation(500), 500U);
  EXPECT_GT(parts.current.next_generation(7), 500U);
}

TEST(CurrentToken, TokenIsReplaced_IsThePreviousOneUntilTheOverlapEnds) {
  TokenParts parts;
  parts.take(parts.record(5));
  parts.take(parts.fetched("new", 6));
  EXPECT_EQ(parts.shown(), "new");
  ASSERT_TRUE(parts.segment.record->previous);
  EXPECT_EQ(parts.segment.record->previous->value.reveal(), "token-5");
  EXPECT_EQ(parts.segment.record->previous->generation, 5U);
  parts.loop.pass(seconds(59));
  EXPECT_TRUE(parts.segment.record->previous);
  parts.loop.pass(seconds(2));
  EXPECT_FALSE(parts.segment.record->previous);
  EXPECT_EQ(parts.shown(), "new");
}

TEST(CurrentToken, ProviderGivesTheTokenAgain_ReadersKnowItByItsFirstGeneration) {
  TokenParts parts;
  parts.take(parts.record(5));
  parts.loop.pass(minutes(1));
  parts.take(parts.fetched("token-5", 6));
  EXPECT_EQ(parts.current.generation(), 6U);
  EXPECT_EQ(parts.current.token_generation(), 5U);
  EXPECT_EQ(parts.segment.generation(), 5U);
  EXPECT_FALSE(parts.segment.record->previous);
}

TEST(CurrentToken, RecordHasOnlyAState_IsNotWrittenToTheSegment) {
  TokenParts parts;
  parts.take(parts.current.with_state(SecretString("state"), 5, "host"));
  EXPECT_EQ(parts.current.generation(), 5U);
  EXPECT_EQ(parts.current.token_generation(), 0U);
  EXPECT_FALSE(parts.current.valid());
  EXPECT_EQ(parts.writes, 0);
}

TEST(CurrentToken, NewStateOfTheToken_StaysTheSameTokenToReaders) {
  TokenParts parts;
  parts.take(parts.record(5));
  const agent::Record next = parts.current.with_state(SecretString("state"), 6, "host");
  EXPECT_TRUE(parts.current.only_carries_state(next));
  parts.take(next);
  EXPECT_EQ(parts.current.generation(), 6U);
  EXPECT_EQ(parts.segment.generation(), 5U);
}

TEST(CurrentToken, SegmentCannotBeWritten_RecordIsCurrentAndTheWriteIsTriedAgain) {
  TokenParts parts;
  parts.segment.failing_writes = 2;
  EXPECT_THROW(parts.take(parts.record(5)), std::runtime_error);
  EXPECT_EQ(parts.current.generation(), 5U);
  EXPECT_EQ(parts.segment.generation(), 0U);
  EXPECT_TRUE(parts.loop.turn_until([&] { return parts.segment.generation() == 5; }));
}

TEST(CurrentToken, TokenIsRejected_MarkGoesWithTheNextToken) {
  TokenParts parts;
  parts.take(parts.record(5));
  parts.current.mark_rejected();
  EXPECT_TRUE(parts.current.rejected());
  EXPECT_TRUE(parts.segment.rejected);
  parts.take(parts.fetched("new", 6));
  EXPECT_FALSE(parts.current.rejected());
  EXPECT_FALSE(parts.segment.rejected);
}

TEST(CurrentToken, TokenExpires_ReadersSeeIt) {
  TokenParts parts;
  parts.take(parts.record(5));
  parts.loop.pass(minutes(10) - seconds(1));
  EXPECT_TRUE(parts.current.valid());
  EXPECT_FALSE(parts.segment.expired);
  parts.loop.pass(seconds(2));
  EXPECT_FALSE(parts.current.valid());
  EXPECT_TRUE(parts.segment.expired);
}

TEST(CurrentToken, SegmentOfAnEarlierRun_IsAdoptedWithoutAWrite) {
  TokenParts parts;
  parts.take(parts.record(5));
  parts.current.mark_rejected();
  agent::CurrentToken next(parts.config, parts.store, parts.loop.timers, parts.loop.random, [] {});
  next.adopt();
  EXPECT_EQ(next.generation(), 5U);
  EXPECT_TRUE(next.rejected());
  EXPECT_TRUE(next.valid());
  EXPECT_EQ(parts.writes, 1);
}

}  // namespace
}  // namespace jeton::test
