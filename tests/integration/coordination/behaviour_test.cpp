// What every coordinator promises (agent/coordination/coordinator.hpp), shown by each backend. The numbers in
// brackets are those of the lock scenarios.
#include <gmock/gmock.h>

#include <filesystem>

#include "agent/base/error.hpp"
#include "tests/integration/coordination/coordination_testing.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

class CoordinatorBehaviour : public testing::TestWithParam<const char*> {
 protected:
  CoordinatorBehaviour() {
    if (!is_local()) server.emplace();
    open();
  }
  ~CoordinatorBehaviour() override { close(); }

  [[nodiscard]] bool is_local() const { return std::string(GetParam()) == "local"; }

  void open() {
    if (is_local()) {
      coordinator = std::make_unique<LocalCoordinator>(loop.timers, loop.random, dir / "coordination");
    } else {
      RedisCoordinatorOptions options = test::redis_options(*server);
      if (std::string(GetParam()) == "redis_tcp") {
        options.connection.kind = redis::ConnectOptions::Kind::tcp;
        options.connection.host = "127.0.0.1";
        options.connection.port = server->port();
        options.connection.database = 2;
      }
      coordinator = std::make_unique<RedisCoordinator>(loop.timers, loop.random, std::move(options));
    }
    coordinator->start();
    call.emplace(loop, *coordinator);
  }
  void close() {
    coordinator->stop();
    coordinator.reset();
  }

  test::Loop loop;
  test::TempDir dir;
  std::optional<test::RedisServer> server;
  std::unique_ptr<Coordinator> coordinator;
  std::optional<test::Caller> call;
};

INSTANTIATE_TEST_SUITE_P(All, CoordinatorBehaviour, testing::Values("local", "redis_unix", "redis_tcp"),
                         [](const auto& one) { return std::string(one.param); });

TEST_P(CoordinatorBehaviour, FreeLockIsWonWithAValidLease) {  // [1]
  const BootTime before = loop.clock.boot_now();
  const AcquireResult result = call->try_acquire(10s);
  ASSERT_TRUE(result.lease);
  EXPECT_EQ(result.lease->owner.size(), 32U);
  EXPECT_GT(result.lease->fence, 0U);
  EXPECT_EQ(result.lease->ttl, 10s);
  EXPECT_GE(result.lease->valid_until, before + 9s);
  EXPECT_LE(result.lease->valid_until, loop.clock.boot_now() + 10s - 100ms - 2ms);
  EXPECT_FALSE(result.current);
  EXPECT_FALSE(result.pause);
}

TEST_P(CoordinatorBehaviour, HeldLockIsBusyUntilItsLeaseRunsOut) {  // [2, 13]
  const Lease lease = call->acquire(1h);
  const AcquireResult second = call->try_acquire(10s);
  EXPECT_FALSE(second.lease);
  EXPECT_GT(second.busy_until, loop.clock.boot_now() + 50min);
  EXPECT_LE(second.busy_until, loop.clock.boot_now() + 1h);
}

TEST_P(CoordinatorBehaviour, OneOfAHundredConcurrentTriesWins) {  // [3]
  int winners = 0;
  int ended = 0;
  const auto one = [&]() -> Task<> {
    const std::string name = "t";
    const AcquireResult result = co_await coordinator->try_acquire(name, 60s);
    if (result.lease) ++winners;
  };
  for (int i = 0; i < 100; ++i) {
    boost::asio::co_spawn(loop.context, one(), [&](const std::exception_ptr& e) {
      EXPECT_FALSE(e);
      ++ended;
    });
  }
  EXPECT_TRUE(loop.turn_until([&] { return ended == 100; }));
  EXPECT_EQ(winners, 1);
}

TEST_P(CoordinatorBehaviour, EachReleaseLetsTheNextTryWin) {  // [5]
  for (int i = 0; i < 10; ++i) call->release(call->acquire(60s));
}

TEST_P(CoordinatorBehaviour, LocksOfDifferentNamesAreIndependent) {
  const Lease one = call->acquire(60s, "one");
  const Lease two = call->acquire(60s, "two");
  EXPECT_NE(one.owner, two.owner);
}

TEST_P(CoordinatorBehaviour, UnrenewedLockIsFreeAfterItsTimeToLive) {  // [6]
  const Lease first = call->acquire(100ms);
  const Lease second = call->acquire_eventually(60s);
  EXPECT_NE(second.owner, first.owner);
  EXPECT_GE(loop.clock.boot_now(), first.valid_until) << "it was free while the first lease was valid";
}

TEST_P(CoordinatorBehaviour, StaleOwnerCanNeitherReleaseNorRenewTheLockOfItsSuccessor) {  // [7, 10]
  Lease first = call->acquire(100ms);
  const Lease second = call->acquire_eventually(60s);
  call->release(first);
  call->release(first);
  EXPECT_FALSE(call->try_acquire(1s).lease);
  const BootTime before = first.valid_until;
  EXPECT_FALSE(call->renew(first));
  EXPECT_EQ(first.valid_until, before);
  Lease still = second;
  EXPECT_TRUE(call->renew(still));
}

TEST_P(CoordinatorBehaviour, ReleaseOfWhatIsNotHeldDoesNothing) {  // [8]
  const Lease lease = call->acquire(60s);
  call->release(lease);
  call->release(lease);
  call->release(Lease{"0123456789abcdef0123456789abcdef", 1, 1s, {}});
  call->acquire(60s);
}

TEST_P(CoordinatorBehaviour, RenewalReplacesTheTimeToLive) {  // [9]
  Lease lease = call->acquire(1h);
  lease.ttl = 1min;
  EXPECT_TRUE(call->renew(lease));
  EXPECT_LE(lease.valid_until, loop.clock.boot_now() + 1min);
  EXPECT_LT(call->try_acquire(1s).busy_until, loop.clock.boot_now() + 30min);
}

TEST_P(CoordinatorBehaviour, RenewalNeverCreatesAnExpiredLock) {  // [10]
  Lease lease = call->acquire(50ms);
  EXPECT_TRUE(test::eventually([&] {
    Lease probe = lease;
    probe.ttl = 1ms;  // so that a probe that comes in time does not keep the lock alive
    return !call->renew(probe);
  }));
  EXPECT_FALSE(call->renew(lease));
  call->acquire(60s);
}

TEST_P(CoordinatorBehaviour, RenewedLockOutlivesItsTimeToLive) {  // [16]
  Lease lease = call->acquire(300ms);
  const BootTime end = loop.clock.boot_now() + 1s;
  while (loop.clock.boot_now() < end) {
    loop.turn_until([] { return false; }, 50ms);
    ASSERT_TRUE(call->renew(lease));
    ASSERT_FALSE(call->try_acquire(1s).lease);
  }
}

TEST_P(CoordinatorBehaviour, FenceRisesWithEveryAcquisitionAndOnlyThen) {  // [21]
  std::uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    Lease lease = call->acquire(60s);
    EXPECT_GT(lease.fence, last);
    last = lease.fence;
    EXPECT_TRUE(call->renew(lease));
    EXPECT_EQ(lease.fence, last);
    call->release(lease);
  }
  call->acquire(20ms);
  EXPECT_GT(call->acquire_eventually(60s).fence, last);
}

TEST_P(CoordinatorBehaviour, FenceIsAboveAStoredGenerationThatIsAheadOfTheClock) {
  const Lease first = call->acquire(60s);
  const Generation ahead = first.fence + 3'600'000'000;
  EXPECT_TRUE(call->publish(make_record(loop, ahead, "x"), first).stored);
  EXPECT_GT(call->acquire(60s).fence, ahead);
}

TEST_P(CoordinatorBehaviour, FenceRisesAcrossARestart) {
  const std::uint64_t before = call->acquire(60s, "u").fence;
  const Lease lease = call->acquire(60s);
  call->release(lease);
  close();
  open();
  const Lease after = call->acquire(60s);
  EXPECT_GT(after.fence, lease.fence);
  EXPECT_GT(before, 0U);
}

TEST_P(CoordinatorBehaviour, PublicationIsStoredHeardAndFreesTheLock) {
  test::RecordingListener listener;
  coordinator->subscribe("t", &listener);
  ASSERT_TRUE(loop.turn_until([&] { return listener.gaps > 0; }));
  const Lease lease = call->acquire(60s);
  Record record = make_record(loop, lease.fence, "s3cret");
  record.attributes = {{"scope", "a"}};
  record.previous = PreviousToken{SecretString("older"), 5, record.issued_at + 1min};
  const PublishResult result = call->publish(record, lease);
  EXPECT_TRUE(result.stored);

  ASSERT_TRUE(loop.turn_until([&] { return !listener.records.empty(); }));
  const std::optional<Record> loaded = call->load();
  ASSERT_TRUE(loaded);
  for (const Record& seen : {listener.records.front(), *loaded}) {
    EXPECT_EQ(seen.generation, lease.fence);
    EXPECT_EQ(seen.value, record.value);
    EXPECT_EQ(seen.type, "Bearer");
    EXPECT_EQ(seen.attributes, record.attributes);
    EXPECT_EQ(seen.issued_at, record.issued_at);
    EXPECT_EQ(seen.expires_at, record.expires_at);
    EXPECT_EQ(seen.previous->value, record.previous->value);
    EXPECT_EQ(seen.fetched_by, "test");
  }
  const AcquireResult next = call->try_acquire(60s);
  EXPECT_TRUE(next.lease);
  ASSERT_TRUE(next.current);
  EXPECT_EQ(next.current->generation, lease.fence);
  EXPECT_TRUE(listener.claims.empty()) << "an agent need not hold back from its own claim";
  EXPECT_EQ(listener.releases, 0);
  coordinator->subscribe("t", nullptr);
}

TEST_P(CoordinatorBehaviour, LatePublicationIsRefusedAndToldWhatIsCurrent) {  // [20]
  const Lease late = call->acquire(50ms);
  const Lease next = call->acquire_eventually(60s);
  EXPECT_TRUE(call->publish(make_record(loop, next.fence, "new"), next).stored);
  const PublishResult refused = call->publish(make_record(loop, late.fence, "old"), late);
  EXPECT_FALSE(refused.stored);
  ASSERT_TRUE(refused.current);
  EXPECT_EQ(refused.current->value, SecretString("new"));
  EXPECT_EQ(call->load()->value, SecretString("new"));
}

TEST_P(CoordinatorBehaviour, PublicationUnderALostLeaseIsStoredIfNothingNewerIsThere) {  // [17]
  const Lease late = call->acquire(50ms);
  const Lease next = call->acquire_eventually(60s);
  EXPECT_TRUE(call->publish(make_record(loop, late.fence, "late"), late).stored);
  EXPECT_EQ(call->load()->value, SecretString("late"));
  EXPECT_FALSE(call->try_acquire(1s).lease) << "the lock of the successor was freed";
  EXPECT_TRUE(call->publish(make_record(loop, next.fence, "next"), next).stored);
  EXPECT_EQ(call->load()->value, SecretString("next"));
}

TEST_P(CoordinatorBehaviour, PublicationThatIsRepeatedCountsAsStored) {
  const Lease lease = call->acquire(60s);
  const Record record = make_record(loop, lease.fence, "x");
  EXPECT_TRUE(call->publish(record, lease).stored);
  EXPECT_TRUE(call->publish(record, lease).stored);
  EXPECT_FALSE(call->publish(make_record(loop, lease.fence, "another"), lease).stored);
  EXPECT_TRUE(call->publish(record, Lease{}).stored) << "a repair has no lease";
}

TEST_P(CoordinatorBehaviour, ExpiredRecordIsGone) {
  const Lease lease = call->acquire(60s);
  call->publish(make_record(loop, lease.fence, "x", 100ms), lease);
  EXPECT_TRUE(test::eventually([&] { return !call->load(); }));
  EXPECT_FALSE(call->try_acquire(60s).current);
}

TEST_P(CoordinatorBehaviour, RecordSurvivesARestartOfTheAgent) {
  EXPECT_FALSE(call->load());
  const Lease lease = call->acquire(60s);
  call->publish(make_record(loop, lease.fence, "kept"), lease);
  close();
  open();
  const auto record = call->load();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->value, SecretString("kept"));
}

TEST_P(CoordinatorBehaviour, PauseKeepsTheLockFromBeingTried) {
  test::RecordingListener listener;
  coordinator->subscribe("t", &listener);
  ASSERT_TRUE(loop.turn_until([&] { return listener.gaps > 0; }));
  call->pause(1h, "429 from https://provider (Retry-After)");
  const AcquireResult result = call->try_acquire(1s);
  EXPECT_FALSE(result.lease);
  ASSERT_TRUE(result.pause);
  EXPECT_EQ(result.pause->reason, "429 from https://provider (Retry-After)");
  EXPECT_GT(result.pause->until, loop.clock.boot_now() + 59min);
  EXPECT_LE(result.pause->until, loop.clock.boot_now() + 1h);
  ASSERT_TRUE(loop.turn_until([&] { return !listener.pauses.empty(); }));
  EXPECT_GT(listener.pauses.front().until, loop.clock.boot_now() + 59min);
  coordinator->subscribe("t", nullptr);
}

TEST_P(CoordinatorBehaviour, PauseIsNeverShortenedAndEnds) {
  call->pause(1h, "long");
  call->pause(1s, "short");
  EXPECT_EQ(call->try_acquire(1s).pause->reason, "long");
  call->pause(2h, "longer");
  EXPECT_EQ(call->try_acquire(1s).pause->reason, "longer");
}

TEST_P(CoordinatorBehaviour, PauseEndsByItself) {
  call->pause(100ms, "short");
  call->acquire_eventually(60s);
}

TEST_P(CoordinatorBehaviour, PauseSurvivesARestartOfTheAgent) {
  call->pause(1h, "long");
  close();
  open();
  EXPECT_TRUE(call->try_acquire(1s).pause);
}

TEST_P(CoordinatorBehaviour, AdmissionKeepsTheIntervalAcrossLeases) {
  Lease lease = call->acquire(60s);
  const FetchLimits limits{30min, 0, {}};
  const Admission first = call->admit(lease, limits);
  EXPECT_TRUE(first.admitted);
  EXPECT_EQ(first.calls_used, 1U);
  call->release(lease);
  lease = call->acquire(60s);
  const Admission second = call->admit(lease, limits);
  EXPECT_FALSE(second.admitted);
  EXPECT_EQ(second.reason, "min_interval");
  EXPECT_GT(second.retry_at, loop.clock.boot_now() + 29min);
  EXPECT_LE(second.retry_at, loop.clock.boot_now() + 30min);
}

TEST_P(CoordinatorBehaviour, AdmissionSpendsTheBudgetOfAWindow) {
  const Lease lease = call->acquire(60s);
  const FetchLimits limits{{}, 3, 24h};
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const Admission admission = call->admit(lease, limits);
    EXPECT_TRUE(admission.admitted);
    EXPECT_EQ(admission.calls_used, i);
  }
  const Admission refused = call->admit(lease, limits);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.reason, "budget");
  EXPECT_EQ(refused.calls_used, 3U);
  EXPECT_GT(refused.retry_at, loop.clock.boot_now() + 23h);
  call->release(lease);
  close();
  open();
  EXPECT_FALSE(call->admit(call->acquire(60s), limits).admitted) << "a restart gave the budget back";
}

TEST_P(CoordinatorBehaviour, AdmissionOpensAgainAfterTheWindow) {
  const Lease lease = call->acquire(60s);
  const FetchLimits limits{{}, 1, 200ms};
  EXPECT_TRUE(call->admit(lease, limits).admitted);
  EXPECT_TRUE(test::eventually([&] { return call->admit(lease, limits).admitted; }));
}

TEST_P(CoordinatorBehaviour, AdmissionIsForTheHolderOnly) {
  const Lease late = call->acquire(50ms);
  call->acquire_eventually(60s);
  const Admission admission = call->admit(late, FetchLimits{});
  EXPECT_FALSE(admission.admitted);
  EXPECT_EQ(admission.reason, "lock lost");
}

TEST_P(CoordinatorBehaviour, AfterStopEveryCallIsATransportError) {
  Lease lease = call->acquire(60s);
  coordinator->stop();
  EXPECT_THROW(call->try_acquire(1s), TransportError);
  EXPECT_THROW(call->renew(lease), TransportError);
  EXPECT_THROW(call->release(lease), TransportError);
  EXPECT_THROW(call->admit(lease, FetchLimits{}), TransportError);
  EXPECT_THROW(call->publish(make_record(loop, 1, "x"), lease), TransportError);
  EXPECT_THROW(call->load(), TransportError);
  EXPECT_THROW(call->pause(1s, "x"), TransportError);
}

TEST_P(CoordinatorBehaviour, HealthNamesTheBackend) {
  static_cast<void>(call->load());
  const CoordinatorHealth health = coordinator->health();
  EXPECT_EQ(health.backend, is_local() ? "local" : "redis");
  EXPECT_FALSE(health.endpoint.empty());
  EXPECT_TRUE(health.reachable);
  EXPECT_EQ(health.last_error, "");
}

}  // namespace
}  // namespace jeton::agent
