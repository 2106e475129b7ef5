#include <time.h>

#include <thread>

#include "tests/support/eventually.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;

class Current : public ClientTest {
 protected:
  void SetUp() override { make_store(); }
  [[nodiscard]] static const jeton_view* view(const ReaderPtr& reader) {
    const jeton_view* found = nullptr;
    return jeton_current(reader.get(), &found) == JETON_OK ? found : nullptr;
  }
};

TEST_F(Current, TokenIsPublished_ViewShowsEveryPart) {
  agent::Record record = sample_record(7, "the-token");
  record.previous = sample_previous(6, "old-token");
  store->publish(record, wall_now());
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  const jeton_view* shown = view(reader);
  ASSERT_NE(shown, nullptr);
  EXPECT_EQ(shown->size, sizeof(jeton_view));
  EXPECT_STREQ(shown->value, "the-token");
  EXPECT_EQ(shown->value_size, 9U);
  EXPECT_STREQ(shown->type, "Bearer");
  EXPECT_STREQ(shown->previous_value, "old-token");
  EXPECT_EQ(shown->previous_generation, 6U);
  EXPECT_EQ(shown->previous_accept_until_ms, agent::to_unix_ms(record.previous->accept_until));
  EXPECT_STREQ(shown->origin, "host-1");
  EXPECT_EQ(shown->generation, 7U);
  EXPECT_EQ(shown->flags, JETON_FLAG_VALID);
  EXPECT_EQ(shown->expires_at_ms, agent::to_unix_ms(record.expires_at));

  const char* value = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(jeton_attribute(shown, "tenant", &value, &size), JETON_OK);
  EXPECT_EQ(std::string(value, size), "42");
  EXPECT_EQ(jeton_attribute(shown, "none", &value, &size), JETON_NOT_FOUND);
  const char* name = nullptr;
  std::size_t name_size = 0;
  ASSERT_EQ(jeton_attribute_at(shown, 0, &name, &name_size, &value, &size), JETON_OK);
  EXPECT_EQ(std::string(name, name_size), "scope");
  EXPECT_EQ(std::string(value, size), "read write");
  EXPECT_EQ(jeton_attribute_at(shown, 2, &name, &name_size, &value, &size), JETON_NOT_FOUND);
}

TEST_F(Current, NothingChanged_GivesTheSameView) {
  publish(1);
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  const jeton_view* first = view(reader);
  const char* value = first->value;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(view(reader), first);
  EXPECT_EQ(first->value, value);
}

TEST_F(Current, TokensArePublishedInARow_ShowsEachNewOne) {
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  EXPECT_EQ(current(reader), "<" + std::string(jeton_status_text(JETON_NO_TOKEN)) + ">");
  for (agent::Generation g = 1; g <= 20; ++g) {
    publish(g, checked_value(g, 200 - g * 9));
    EXPECT_EQ(checked_generation(current(reader)), g);
  }
}

TEST_F(Current, TokenExpiresWithoutTheAgent_IsShownOnlyIfAllowed) {
  publish_for(1, 300ms);
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  const TokenPtr lenient = must_open(JETON_ALLOW_EXPIRED);
  const ReaderPtr lenient_reader = must_open_reader(lenient);
  EXPECT_TRUE(eventually([&] { return view(reader) == nullptr; }));
  EXPECT_EQ(current(reader), "<" + std::string(jeton_status_text(JETON_EXPIRED)) + ">");
  const jeton_view* expired = view(lenient_reader);
  ASSERT_NE(expired, nullptr);
  EXPECT_EQ(expired->flags, JETON_FLAG_EXPIRED);
  EXPECT_STREQ(expired->value, "secret-value");
  publish(2, "fresh");
  EXPECT_EQ(current(reader), "fresh");
  EXPECT_EQ(view(lenient_reader)->flags, JETON_FLAG_VALID);
}

// To the millisecond of the clock that the library reads, though until the last second it looks at seconds only.
TEST_F(Current, ExpiryIsReached_TokenEndsToTheMillisecond) {
  const auto coarse_now_ms = [] {
    timespec now = {};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  };
  agent::Record record = sample_record(1);
  record.expires_at = wall_now() + 1100ms;
  const std::int64_t expires_at_ms = agent::to_unix_ms(record.expires_at);
  store->publish(record, wall_now());
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  std::int64_t late_views = 0;
  std::int64_t late_reads = 0;
  std::int64_t early_refusals = 0;
  for (;;) {
    const std::int64_t before_ms = coarse_now_ms();
    const bool viewed = view(reader) != nullptr;
    const bool was_read = read(token) == "secret-value";
    const std::int64_t after_ms = coarse_now_ms();
    if (before_ms >= expires_at_ms) {
      late_views += viewed;
      late_reads += was_read;
    }
    if (after_ms < expires_at_ms) early_refusals += !viewed || !was_read;
    if (before_ms >= expires_at_ms + 100) break;
  }
  EXPECT_EQ(late_views, 0);
  EXPECT_EQ(late_reads, 0);
  EXPECT_EQ(early_refusals, 0);
}

TEST_F(Current, AgentMarksTheTokenExpired_IsNotShown) {
  publish(1);
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  ASSERT_NE(view(reader), nullptr);
  store->mark_expired();
  EXPECT_EQ(view(reader), nullptr);
}

TEST_F(Current, SegmentIsReplacedByALargerOne_IsFollowed) {
  publish(1, "one");
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  EXPECT_EQ(current(reader), "one");
  store->reconfigure(100'000, {}, wall_now());
  EXPECT_EQ(current(reader), "one");
  const std::string large(90'000, 'x');
  publish(2, large);
  EXPECT_EQ(current(reader), large);
}

TEST_F(Current, TokenHandleIsClosed_ReaderGoesOn) {
  publish(1, "one");
  TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  token.reset();
  EXPECT_EQ(current(reader), "one");
  publish(2, "two");
  EXPECT_EQ(current(reader), "two");
}

TEST_F(Current, TokenIsSuperseded_OldValueIsOverwritten) {
  publish(1, std::string(500, '#'));
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  const char* where = view(reader)->value;
  publish(2, "n");
  ASSERT_EQ(view(reader)->value, where);
  EXPECT_EQ(std::string(where, 500).find('#'), std::string::npos);
}

}  // namespace
}  // namespace jeton::test
