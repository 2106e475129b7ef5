// A Redis in which another client writes and publishes what no agent would: it stops no fleet.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using agent::FleetCodec;
using agent::Seal;
using agent::TokenStatus;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* channel = "jeton:{api}:published";
constexpr const char* fence_key = "jeton:{api}:fence";
constexpr const char* lock_of_api = "jeton:{api}:updater";
constexpr const char* pause_key = "jeton:{api}:pause";
constexpr std::uint64_t last_before_2_to_53 = 9'006'999'999'999'998;

class HostileRedis : public testing::TestWithParam<bool> {
 protected:
  HostileRedis() {
    fleet.start_all();
    fleet.pass(seconds(5));
    first = fleet.stored_generation();
    EXPECT_TRUE(fleet.all_hold(first));
  }

  static FleetSettings settings() {
    FleetSettings settings{.agents = 3, .budget = {.calls = 10, .per = hours(1)}};
    if (GetParam()) settings.codec = FleetCodec(std::make_shared<const Seal>(std::vector{Seal::new_key()}));
    return settings;
  }
  void publish(const std::string& message) { fleet.server().cli({"PUBLISH", channel, message}); }
  // By schedule, once for the fleet.
  void expect_the_next_rotation() {
    const std::uint64_t calls = fleet.provider.calls;
    EXPECT_TRUE(fleet.until([&] { return fleet.all_above(first); }, minutes(10)));
    EXPECT_TRUE(fleet.all_valid());
    EXPECT_EQ(fleet.provider.calls, calls + 1);
    EXPECT_EQ(fleet.went_back(), 0U);
  }
  // Long before the token needs a refresh.
  void expect_the_record_back(const std::string& record) {
    EXPECT_TRUE(fleet.until([&] { return fleet.stored("record").size() == record.size(); }, minutes(1)));
    EXPECT_EQ(fleet.stored_generation(), first);
    EXPECT_EQ(fleet.provider.calls, 1U);
  }

  VirtualFleet fleet{settings()};
  agent::Generation first = 0;
};

TEST_P(HostileRedis, MessageNestsDeeply_IsIgnored) {
  publish(R"({"type":"record","record":)" + std::string(100'000, '['));
  publish(R"({"type":"record","record":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}");
  expect_the_next_rotation();
}

TEST_P(HostileRedis, RecordLastsForCenturies_IsPutBack) {
  const std::string record = fleet.stored("record");
  std::string forged = record;
  const std::size_t at = forged.find("\"expires_at_ms\":") + 16;
  forged.replace(at, forged.find_first_not_of("0123456789", at) - at, "11267000000000");  // in the year 2327
  fleet.server().cli({"HSET", token_key_of_api, "record", forged});
  expect_the_record_back(record);
  fleet.stop(0);  // nor does a new agent take it
  fleet.server().cli({"HSET", token_key_of_api, "record", forged});
  fleet.start(0);
  expect_the_record_back(record);
  expect_the_next_rotation();
}

TEST_P(HostileRedis, OldRecordIsPublishedAgainAndAgain_DoesNotFillTheLog) {
  const std::string old = R"({"type":"record","record":)" + fleet.stored("record") + "}";
  expect_the_next_rotation();
  fleet.pass(seconds(1));  // it is logged
  testing::internal::CaptureStderr();
  for (int times = 0; times < 100; ++times) publish(old);
  fleet.pass(seconds(5));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 3) << "one line a host: " << log;
  EXPECT_EQ(fleet.went_back(), 0U);
}

TEST_P(HostileRedis, RecordIsLargerThanAnyReply_IsPutBack) {
  const std::string record = fleet.stored("record");
  fleet.server().cli({"HSET", token_key_of_api, "record", std::string(5 * 1024 * 1024, 'x')});
  expect_the_record_back(record);
  EXPECT_NE(fleet.status(0).records_refused + fleet.status(1).records_refused + fleet.status(2).records_refused, 0U);
  expect_the_next_rotation();
}

TEST_P(HostileRedis, FenceIsNearTheEndOfAllNumbers_CountsForNothing) {
  fleet.server().cli({"SET", fence_key, std::to_string(last_before_2_to_53)});
  expect_the_next_rotation();
  EXPECT_LT(fleet.stored_generation(), last_before_2_to_53);
}

TEST_P(HostileRedis, StoredGenerationIsNearTheEndOfAllNumbers_CountsForNothing) {
  fleet.server().cli({"HSET", token_key_of_api, "generation", std::to_string(last_before_2_to_53)});
  expect_the_next_rotation();
  EXPECT_LT(fleet.stored_generation(), last_before_2_to_53);
}

TEST_P(HostileRedis, UsageIsForged_StopsNothingAndIsNotWrittenBack) {
  const auto shown = [&] { return fleet.status(0).calls_used; };
  publish(R"({"type":"usage","calls":18446744073709551615,"ttl_ms":9000000000000000000})");
  fleet.pass(seconds(1));
  EXPECT_LE(shown(), 10U) << "cut to the budget";
  fleet.server().cli({"FLUSHALL"});  // what the hosts know comes back
  EXPECT_TRUE(fleet.until(
      [&] {
        return fleet.server().cli({"HGET", "jeton:{api}:budget", "calls"}) == "1";
      },
      minutes(1)));
  EXPECT_TRUE(fleet.until([&] { return shown() == 1; }, minutes(7))) << "a host of a sealed fleet reads it";
  expect_the_next_rotation();
}

TEST_P(HostileRedis, LockIsTakenForDaysAndDeleted_IsTakenSoon) {
  fleet.server().cli({"SET", lock_of_api, "somebody", "PX", "604800000"});
  ASSERT_TRUE(fleet.until([&] { return fleet.status(0).phase == agent::RefreshPhase::waiting; }));
  fleet.pass(seconds(5));
  fleet.server().cli({"DEL", lock_of_api});
  EXPECT_TRUE(fleet.until([&] { return fleet.all_above(first); }, seconds(20)));
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST_P(HostileRedis, PauseIsForged_EndsAtTheNextLook) {
  publish(R"({"type":"pause","ttl_ms":86400000,"reason":"forged"})");
  fleet.pass(seconds(1));
  const bool believed = fleet.status(0).paused_until.has_value();
  EXPECT_EQ(believed, !GetParam()) << "a fleet that seals takes signed messages only";
  fleet.pass(seconds(36));
  EXPECT_FALSE(fleet.status(0).paused_until);
  expect_the_next_rotation();
}

TEST_P(HostileRedis, PauseIsForgedAndAllIsLost_IsNotWrittenBack) {
  publish(R"({"type":"pause","ttl_ms":86400000,"reason":"forged"})");
  fleet.pass(seconds(1));
  fleet.server().cli({"FLUSHALL"});
  EXPECT_TRUE(fleet.until([&] { return fleet.stored_generation() == first; }, minutes(1)));
  fleet.pass(seconds(1));
  EXPECT_EQ(fleet.server().cli({"EXISTS", pause_key}), "0");
  expect_the_next_rotation();
}

// By a host that was told so by the provider; whoever has only heard of it may be the first to give the record back.
TEST_P(HostileRedis, ProvidersPauseIsLost_IsWrittenBack) {
  fleet.provider.behave(Answer::failure(minutes(2)));
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.server().cli({"EXISTS", pause_key}) == "1"; }));
  fleet.provider.behave({});
  for (int times = 0; times < 10; ++times) {
    fleet.server().cli({"FLUSHALL"});
    EXPECT_TRUE(fleet.until([&] { return fleet.server().cli({"EXISTS", pause_key}) == "1"; }, seconds(2)));
    EXPECT_TRUE(fleet.until([&] { return fleet.stored_generation() == first; }, seconds(2)));
  }
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_TRUE(fleet.until([&] { return fleet.all_above(first); }, minutes(5)));
  EXPECT_EQ(fleet.provider.calls, 3U);
}

TEST_P(HostileRedis, ProviderFails_OneHostsPauseIsEveryHosts) {
  fleet.provider.behave(Answer::failure(minutes(2)));
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  fleet.pass(minutes(1));
  EXPECT_TRUE(fleet.all([](const TokenStatus& s) { return s.paused_until.has_value(); }));
  EXPECT_EQ(fleet.provider.calls, 2U);
  fleet.provider.behave({});
  expect_the_next_rotation();
}

INSTANTIATE_TEST_SUITE_P(Each, HostileRedis, testing::Bool(),
                         [](const auto& sealed) { return sealed.param ? "sealed" : "plain"; });

}  // namespace
}  // namespace jeton::test
