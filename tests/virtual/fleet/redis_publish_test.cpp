// Publications, messages and the server's clock, with two hosts on a memory server.
#include <gmock/gmock.h>

#include "agent/base/error.hpp"
#include "tests/support/effort.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using testing::HasSubstr;
using testing::Not;

using RedisPublication = test::VirtualRedis;

TEST_F(RedisPublication, Published_RecordIsInTheMessageAndInTheKey) {
  b.listen();
  const Lease lease = a.call.acquire(60s);
  const Record record = make_record(loop, lease.fence, "s3cret");
  EXPECT_TRUE(a.call.publish(record, lease).stored);
  ASSERT_TRUE(loop.turn_until([&] { return !b.listener.records.empty(); }));
  EXPECT_EQ(b.listener.records.front().value, SecretString("s3cret"));
  EXPECT_EQ(server.cli({"HGET", token, "generation"}), std::to_string(lease.fence));
  EXPECT_NEAR(std::stod(server.cli({"PEXPIRETIME", token})), static_cast<double>(to_unix_ms(record.expires_at)), 5'000);
  EXPECT_EQ(server.cli({"PEXPIRETIME", token}), server.cli({"HGET", token, "expires_at_ms"}));
  EXPECT_FALSE(exists(updater));
}

TEST_F(RedisPublication, Claimed_OthersHearItAndTheWinnerDoesNot) {
  a.listen();
  b.listen();
  const Lease lease = a.call.acquire(1h);
  ASSERT_TRUE(loop.turn_until([&] { return !b.listener.claims.empty(); }));
  EXPECT_GT(b.listener.claims.front(), loop.clock.boot_now() + 50min);
  EXPECT_LE(b.listener.claims.front(), loop.clock.boot_now() + 1h);
  a.call.release(lease);
  ASSERT_TRUE(loop.turn_until([&] { return b.listener.releases == 1; }));
  a.call.pause(1h, "429");
  ASSERT_TRUE(loop.turn_until([&] { return !a.listener.pauses.empty() && !b.listener.pauses.empty(); }));
  EXPECT_EQ(b.listener.pauses.front().reason, "429");
  EXPECT_TRUE(a.listener.claims.empty());
  EXPECT_EQ(a.listener.releases, 0);
}

TEST_F(RedisPublication, Refused_LockIsFreedAllTheSame) {
  b.listen();
  const Lease lease = a.call.acquire(60s);
  EXPECT_TRUE(b.call.publish(make_record(loop, lease.fence + 1, "newer"), Lease{}).stored);
  EXPECT_FALSE(a.call.publish(make_record(loop, lease.fence, "older"), lease).stored);
  EXPECT_FALSE(exists(updater));
  EXPECT_TRUE(loop.turn_until([&] { return b.listener.releases == 1; }));
}

TEST_F(RedisPublication, ServerLostTheRecord_ItCanBeGivenBack) {
  const Lease lease = a.call.acquire(60s);
  const Record record = make_record(loop, lease.fence, "x");
  EXPECT_TRUE(a.call.publish(record, lease).stored);
  server.cli({"FLUSHALL"});
  EXPECT_FALSE(b.call.load());
  EXPECT_TRUE(b.call.publish(record, Lease{}).stored);
  EXPECT_EQ(a.call.load()->value, SecretString("x"));
  EXPECT_GT(a.call.acquire(60s).fence, lease.fence);
}

TEST_F(RedisPublication, RecordIsLost_IsToldOverAnOpenConnection) {
  a.listen();
  b.coordinator.subscribe("other", &b.listener);
  ASSERT_TRUE(loop.turn_until([&] { return b.listener.gaps > 0; }));
  server.cli({"FLUSHALL"});
  EXPECT_TRUE(loop.turn_until([&] { return a.listener.losses == 1 && b.listener.losses == 1; }));
  server.cli({"HSET", token, "generation", "1"});
  EXPECT_TRUE(loop.turn_until([&] { return a.listener.losses == 2; }));
  server.cli({"DEL", token});
  EXPECT_TRUE(loop.turn_until([&] { return a.listener.losses == 3; }));
  EXPECT_EQ(b.listener.losses, 1) << "the key of another token";
}

TEST_F(RedisPublication, Published_IsNotTakenForALoss) {
  a.listen();
  const Lease lease = b.call.acquire(60s);
  ASSERT_TRUE(b.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  ASSERT_TRUE(loop.turn_until([&] { return a.listener.records.size() == 1; }));
  server.cli(
      {"PUBLISH", channel, "{\"type\":\"release\",\"owner\":\"x\"}"});  // comes behind what the publication caused
  ASSERT_TRUE(loop.turn_until([&] { return a.listener.releases == 1; }));
  EXPECT_EQ(a.listener.losses, 0);
}

TEST_F(RedisPublication, DeletedRightAfterPublication_IsToldAsALoss) {
  a.listen();
  for (int round = 1; round <= 5; ++round) {
    const Lease lease = b.call.acquire(60s);
    ASSERT_TRUE(b.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
    server.cli({"DEL", token});
    EXPECT_TRUE(loop.turn_until([&] { return a.listener.losses == round; })) << "round " << round;
  }
}

TEST_F(RedisPublication, MessageWithoutAWrite_HidesNoLaterLoss) {
  a.listen();
  const Lease lease = b.call.acquire(60s);
  ASSERT_TRUE(b.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  server.cli({"PUBLISH", channel, "{\"type\":\"record\",\"record\":{}}"});
  server.cli({"PUBLISH", channel, "{\"type\":\"release\",\"owner\":\"x\"}"});
  ASSERT_TRUE(loop.turn_until([&] { return a.listener.releases == 1; }));
  // Nobody's write stands behind that record, so from some time on a deletion is one again.
  EXPECT_TRUE(loop.turn_until([&] {
    server.cli({"HSET", token, "generation", "1"});
    server.cli({"DEL", token});
    return a.listener.losses > 0;
  }));
}

TEST_F(RedisPublication, FenceIsThatOfAnotherToken_IsRefused) {
  const Lease lease = a.call.acquire(60s);
  const Record first = make_record(loop, lease.fence, "x");
  ASSERT_TRUE(a.call.publish(first, lease).stored);
  const PublishResult second = b.call.publish(make_record(loop, lease.fence, "y"), lease);
  EXPECT_FALSE(second.stored);
  ASSERT_TRUE(second.current);
  EXPECT_EQ(second.current->value, SecretString("x"));
  EXPECT_TRUE(a.call.publish(first, lease).stored) << "again, as after a lost answer";
}

TEST_F(RedisPublication, ShorterPauseIsShared_LongerOneStays) {
  b.listen();
  a.call.pause(1h, "429");
  a.call.pause(1min, "500");
  const AcquireResult result = b.call.try_acquire(60s);
  ASSERT_TRUE(result.pause);
  EXPECT_EQ(result.pause->reason, "429");
  EXPECT_GT(result.pause->until, loop.clock.boot_now() + 59min);
  loop.pass(1s);
  EXPECT_EQ(b.listener.pauses.size(), 1U);
}

TEST_F(RedisPublication, Resumed_PauseIsLiftedForAll) {
  b.listen();
  a.call.pause(10min, "401");
  ASSERT_TRUE(b.call.try_acquire(60s).pause);
  loop.run(a.coordinator.resume("t", ResumeReason::operator_asked));
  EXPECT_TRUE(loop.turn_until([&] { return b.listener.resumes == 1; }));
  EXPECT_TRUE(b.call.try_acquire(60s).lease);
}

TEST_F(RedisPublication, FleetCalled_UsageTellsHowOften) {
  EXPECT_EQ(loop.run(b.coordinator.usage("t")).calls, 0U);
  const Lease lease = a.call.acquire(60s);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(a.call.admit(lease, FetchLimits{{}, 5, 1h}).admitted());
  const auto usage = loop.run(b.coordinator.usage("t"));
  EXPECT_EQ(usage.calls, 2U);
  ASSERT_TRUE(usage.window_end);
  EXPECT_GT(*usage.window_end, loop.clock.boot_now() + 59min);
}

TEST_F(RedisPublication, PauseBeginsAfterALift_UsageTellsOfThePauseOnly) {
  loop.run(b.coordinator.resume("t", ResumeReason::operator_asked));
  EXPECT_TRUE(loop.run(b.coordinator.usage("t")).resumed);
  a.call.pause(10min, "401");
  const auto usage = loop.run(b.coordinator.usage("t"));
  EXPECT_TRUE(usage.paused);
  EXPECT_FALSE(usage.resumed);
}

// A host may have called between the loss of a count and its repair.
TEST_F(RedisPublication, CountIsRestoredWhoseWindowEndsSoon_MinIntervalIsKept) {
  const FetchLimits limits{10s, 5, 1h};
  const Lease lease = a.call.acquire(60s);
  ASSERT_TRUE(a.call.admit(lease, limits).admitted());
  loop.run(b.coordinator.restore_usage("t", {.calls = 2, .window_end = loop.clock.boot_now() + 1s}, limits));
  loop.pass(2s);
  EXPECT_EQ(a.call.admit(lease, limits).refusal, agent::FetchRefusal::min_interval);
  loop.pass(8s);
  EXPECT_EQ(a.call.admit(lease, limits).calls_used, 1U) << "of a new window";
}

// Such as a host that fetched before an outage and publishes after it.
TEST_F(RedisPublication, AnotherHostPublishesBehindTheLock_CallIsNotAdmittedBeforeItIsRead) {
  const Lease lease = a.call.acquire(60s);
  EXPECT_TRUE(b.call.publish(make_record(loop, lease.fence - 1, "fetched-before"), Lease{}).stored);
  const Admission refused = a.call.admit(lease, FetchLimits{{}, 5, 1h});
  EXPECT_EQ(refused.refusal, agent::FetchRefusal::record_changed);
  EXPECT_EQ(loop.run(b.coordinator.usage("t")).calls, 0U);
  a.call.release(lease);
  const agent::AcquireResult again = a.call.try_acquire(60s);
  ASSERT_TRUE(again.lease);
  ASSERT_TRUE(again.current);
  EXPECT_EQ(again.current->value, SecretString("fetched-before"));
  EXPECT_TRUE(a.call.admit(*again.lease, FetchLimits{{}, 5, 1h}).admitted());
}

TEST_F(RedisPublication, DayOfRotations_LeavesNoKeyForEver) {
  const FetchLimits limits{{}, 2000, 24h};
  for (int minute = 0; minute < test::effort(24 * 60, 120); ++minute) {
    const Lease lease = a.call.acquire(60s);
    ASSERT_TRUE(a.call.admit(lease, limits).admitted());
    if (minute % 10 == 0) a.call.pause(1ms, "429");
    if (minute % 7 == 0) {
      a.call.release(lease);
    } else {
      ASSERT_TRUE(a.call.publish(make_record(loop, lease.fence, "x", 10min), lease).stored);
    }
    if (minute % 10 == 0) loop.run(a.coordinator.resume("t", ResumeReason::operator_asked));
  }
  a.call.acquire(60s);  // and a lock whose holder dies
  std::istringstream keys(server.cli({"KEYS", "*"}));
  int count = 0;
  for (std::string key; std::getline(keys, key); ++count) EXPECT_GT(pttl(key.c_str()), 0) << key;
  EXPECT_LE(count, 6);
}

TEST_F(RedisPublication, RecordIsMalformed_IsReportedOnceIgnoredAndReplaced) {
  a.listen();
  server.cli({"HSET", token, "generation", "5", "record", "s3cret garbage"});
  testing::internal::CaptureStderr();
  EXPECT_FALSE(a.call.load());
  EXPECT_FALSE(a.call.load());
  const AcquireResult result = a.call.try_acquire(60s);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("malformed record"));
  EXPECT_EQ(log.find("malformed"), log.rfind("malformed")) << log;
  EXPECT_THAT(log, Not(HasSubstr("s3cret")));
  ASSERT_TRUE(result.lease);
  EXPECT_TRUE(a.call.publish(make_record(loop, result.lease->fence, "good"), *result.lease).stored);
  EXPECT_EQ(a.call.load()->value, SecretString("good"));
}

// What the listener before it was told is not kept.
TEST_F(RedisPublication, TokenIsRemovedAndComesBack_MalformedRecordIsReportedAgain) {
  server.cli({"HSET", token, "generation", "5", "record", "garbage"});
  testing::internal::CaptureStderr();
  for (int times = 0; times < 2; ++times) {
    a.listen();
    EXPECT_FALSE(a.call.load());
    a.coordinator.subscribe("t", nullptr);
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("malformed"), log.rfind("malformed")) << log;
}

TEST_F(RedisPublication, StoredGenerationIsImpossible_TokenIsNotBlocked) {
  for (const char* generation : {"inf", "nan", "abc", "-5", "", "99999999999999999999999"}) {
    server.cli({"HSET", token, "generation", generation, "record", "x"});
    const Lease lease = a.call.acquire(60s);
    EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, "good"), lease).stored) << generation;
  }
}

TEST_F(RedisPublication, MessagesAreMalformed_AreReportedOnceAndIgnored) {
  b.listen();
  testing::internal::CaptureStderr();
  for (const char* text : {"s3cret", "{}", R"({"type":"record","record":{"v":1}})",
                           R"({"type":"record","record":{"v":1,"generation":9223372036854775807,"value":"s3cret",)"
                           R"("issued_at_ms":9223372036854775807,"expires_at_ms":-9223372036854775807}})"}) {
    server.cli({"PUBLISH", channel, text});
    server.cli({"PUBLISH", channel, R"({"type":"something newer"})"});
  }
  const Lease lease = a.call.acquire(60s);
  EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, "good"), lease).stored);
  EXPECT_TRUE(loop.turn_until([&] { return !b.listener.records.empty(); }));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(b.listener.records.size(), 1U);
  EXPECT_EQ(b.listener.records.front().value, SecretString("good"));
  EXPECT_THAT(log, HasSubstr("malformed message"));
  EXPECT_EQ(log.find("malformed"), log.rfind("malformed")) << log;
  EXPECT_THAT(log, Not(HasSubstr("s3cret")));
}

TEST_F(RedisPublication, NewListener_IsToldOfAGap) {
  a.listen();
  test::RecordingListener next;
  a.coordinator.subscribe("t", &next);
  EXPECT_TRUE(loop.turn_until([&] { return next.gaps == 1; }));
  EXPECT_EQ(a.listener.gaps, 1);
  a.coordinator.subscribe("t", nullptr);
  b.call.release(b.call.acquire(60s));
  static_cast<void>(a.call.load());
  EXPECT_TRUE(next.claims.empty());
}

}  // namespace
}  // namespace jeton::agent
