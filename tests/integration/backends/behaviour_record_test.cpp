// Records, pauses and admissions, as every coordinator promises them.
#include <gmock/gmock.h>

#include "agent/base/error.hpp"
#include "tests/integration/backends/behaviour_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

using RecordBehaviour = CoordinatorBehaviour;
INSTANTIATE_TEST_SUITE_P(All, RecordBehaviour, every_backend, backend_name);

TEST_P(RecordBehaviour, LeaseIsValid_PublicationIsStoredHeardAndFreesTheLock) {
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

TEST_P(RecordBehaviour, PublicationIsLate_IsRefusedWithTheCurrentRecord) {  // [20]
  const Lease late = call->acquire(brief());
  const Lease next = call->acquire_eventually(60s);
  EXPECT_TRUE(call->publish(make_record(loop, next.fence, "new"), next).stored);
  const PublishResult refused = call->publish(make_record(loop, late.fence, "old"), late);
  EXPECT_FALSE(refused.stored);
  ASSERT_TRUE(refused.current);
  EXPECT_EQ(refused.current->value, SecretString("new"));
  EXPECT_EQ(call->load()->value, SecretString("new"));
}

TEST_P(RecordBehaviour, LeaseIsLostAndNothingNewerIsStored_PublicationIsStored) {  // [17]
  const Lease late = call->acquire(brief());
  const Lease next = call->acquire_eventually(60s);
  EXPECT_TRUE(call->publish(make_record(loop, late.fence, "late"), late).stored);
  EXPECT_EQ(call->load()->value, SecretString("late"));
  EXPECT_FALSE(call->try_acquire(1s).lease) << "the lock of the successor was freed";
  EXPECT_TRUE(call->publish(make_record(loop, next.fence, "next"), next).stored);
  EXPECT_EQ(call->load()->value, SecretString("next"));
}

TEST_P(RecordBehaviour, PublicationIsRepeated_CountsAsStored) {
  const Lease lease = call->acquire(60s);
  const Record record = make_record(loop, lease.fence, "x");
  EXPECT_TRUE(call->publish(record, lease).stored);
  EXPECT_TRUE(call->publish(record, lease).stored);
  EXPECT_FALSE(call->publish(make_record(loop, lease.fence, "another"), lease).stored);
  EXPECT_TRUE(call->publish(record, Lease{}).stored) << "a repair has no lease";
}

TEST_P(RecordBehaviour, RecordHasExpired_IsGone) {
  const Lease lease = call->acquire(60s);
  call->publish(make_record(loop, lease.fence, "x", 100ms), lease);
  EXPECT_TRUE(loop.eventually([&] { return !call->load(); }));
  EXPECT_FALSE(call->try_acquire(60s).current);
}

TEST_P(RecordBehaviour, AgentIsRestarted_RecordIsKept) {
  EXPECT_FALSE(call->load());
  const Lease lease = call->acquire(60s);
  call->publish(make_record(loop, lease.fence, "kept"), lease);
  close();
  open();
  const auto record = call->load();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->value, SecretString("kept"));
}

TEST_P(RecordBehaviour, PauseIsSet_LockIsNotGivenAndListenersHearThePause) {
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

TEST_P(RecordBehaviour, PauseIsSetAgain_IsExtendedAndNeverShortened) {
  call->pause(1h, "long");
  call->pause(1s, "short");
  EXPECT_EQ(call->try_acquire(1s).pause->reason, "long");
  call->pause(2h, "longer");
  EXPECT_EQ(call->try_acquire(1s).pause->reason, "longer");
}

TEST_P(RecordBehaviour, PauseHasPassed_LockIsGiven) {
  call->pause(100ms, "short");
  call->acquire_eventually(60s);
}

TEST_P(RecordBehaviour, AgentIsRestarted_PauseIsKept) {
  call->pause(1h, "long");
  close();
  open();
  EXPECT_TRUE(call->try_acquire(1s).pause);
}

TEST_P(RecordBehaviour, PauseIsLifted_LockIsGiven) {
  Pause pause{loop.clock.boot_now() + 1h, "401", "fingerprint"};
  loop.run(coordinator->pause("t", std::move(pause)));
  const auto paused = call->try_acquire(1s).pause;
  ASSERT_TRUE(paused);
  EXPECT_EQ(paused->reason, "401");
  EXPECT_EQ(paused->request, "fingerprint");
  loop.run(coordinator->resume("t", ResumeReason::operator_asked));
  EXPECT_TRUE(call->try_acquire(60s).lease);
}

TEST_P(RecordBehaviour, TwoCallsAreAdmitted_UsageIsTwo) {
  EXPECT_EQ(loop.run(coordinator->usage("t")).calls, 0U);
  const Lease lease = call->acquire(60s);
  const FetchLimits limits{{}, 5, 24h};
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(call->admit(lease, limits).admitted());
  EXPECT_EQ(loop.run(coordinator->usage("t")).calls, 2U);
}

TEST_P(RecordBehaviour, IntervalHasNotPassed_NextLeaseIsNotAdmitted) {
  Lease lease = call->acquire(60s);
  const FetchLimits limits{30min, 0, {}};
  const Admission first = call->admit(lease, limits);
  EXPECT_TRUE(first.admitted());
  EXPECT_EQ(first.calls_used, 1U);
  call->release(lease);
  lease = call->acquire(60s);
  const Admission second = call->admit(lease, limits);
  EXPECT_FALSE(second.admitted());
  EXPECT_EQ(second.refusal, FetchRefusal::min_interval);
  EXPECT_GT(second.retry_at, loop.clock.boot_now() + 29min);
  EXPECT_LE(second.retry_at, loop.clock.boot_now() + 30min);
}

TEST_P(RecordBehaviour, BudgetIsSpent_CallsAreRefusedEvenAfterARestart) {
  const Lease lease = call->acquire(60s);
  const FetchLimits limits{{}, 3, 24h};
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const Admission admission = call->admit(lease, limits);
    EXPECT_TRUE(admission.admitted());
    EXPECT_EQ(admission.calls_used, i);
  }
  const Admission refused = call->admit(lease, limits);
  EXPECT_FALSE(refused.admitted());
  EXPECT_EQ(refused.refusal, FetchRefusal::budget);
  EXPECT_EQ(refused.calls_used, 3U);
  EXPECT_GT(refused.retry_at, loop.clock.boot_now() + 23h);
  call->release(lease);
  close();
  open();
  EXPECT_FALSE(call->admit(call->acquire(60s), limits).admitted()) << "a restart gave the budget back";
}

TEST_P(RecordBehaviour, WindowHasPassed_CallsAreAdmittedAgain) {
  const Lease lease = call->acquire(60s);
  const FetchLimits limits{{}, 1, 200ms};
  EXPECT_TRUE(call->admit(lease, limits).admitted());
  EXPECT_TRUE(loop.eventually([&] { return call->admit(lease, limits).admitted(); }));
}

TEST_P(RecordBehaviour, LockIsLost_CallIsNotAdmitted) {
  const Lease late = call->acquire(brief());
  call->acquire_eventually(60s);
  const Admission admission = call->admit(late, FetchLimits{});
  EXPECT_FALSE(admission.admitted());
  EXPECT_EQ(admission.refusal, FetchRefusal::lock_lost);
}

TEST_P(RecordBehaviour, CoordinatorIsStopped_EveryCallIsATransportError) {
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

TEST_P(RecordBehaviour, BackendIsReachable_HealthNamesIt) {
  static_cast<void>(call->load());
  EXPECT_TRUE(loop.turn_until([&] { return coordinator->health().last_error.empty(); }));
  const BackendHealth health = coordinator->health();
  EXPECT_EQ(health.backend, is_local() ? "local" : is_redlock() ? "redlock" : "redis");
  EXPECT_FALSE(health.endpoint.empty());
  EXPECT_TRUE(health.reachable);
  EXPECT_EQ(health.last_error, "");
}

}  // namespace
}  // namespace jeton::agent
