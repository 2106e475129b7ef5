// The lock, as every coordinator promises it. The numbers in brackets are those of the lock scenarios.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

#include "agent/base/error.hpp"
#include "tests/integration/backends/behaviour_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

using LockBehaviour = CoordinatorBehaviour;
INSTANTIATE_TEST_SUITE_P(All, LockBehaviour, every_backend, backend_name);

TEST_P(LockBehaviour, LockIsFree_IsWonWithAValidLease) {  // [1]
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

TEST_P(LockBehaviour, LockIsHeld_IsBusyUntilItsLeaseEnds) {  // [2, 13]
  const Lease lease = call->acquire(1h);
  const AcquireResult second = call->try_acquire(10s);
  EXPECT_FALSE(second.lease);
  EXPECT_GT(second.busy_until, loop.clock.boot_now() + 50min);
  EXPECT_LE(second.busy_until, loop.clock.boot_now() + 1h);
  EXPECT_EQ(second.holder, is_local() ? "" : lease.owner);
}

TEST_P(LockBehaviour, HundredConcurrentTries_OneWins) {  // [3]
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

TEST_P(LockBehaviour, LockIsReleased_NextTryWins) {  // [5]
  for (int i = 0; i < 10; ++i) call->release(call->acquire(60s));
}

TEST_P(LockBehaviour, NamesDiffer_LocksAreIndependent) {
  const Lease one = call->acquire(60s, "one");
  const Lease two = call->acquire(60s, "two");
  EXPECT_NE(one.owner, two.owner);
}

TEST_P(LockBehaviour, LockIsNotRenewed_IsFreeAfterItsTimeToLive) {  // [6]
  const Lease first = call->acquire(brief());
  const Lease second = call->acquire_eventually(60s);
  EXPECT_NE(second.owner, first.owner);
  EXPECT_GE(loop.clock.boot_now(), first.valid_until) << "it was free while the first lease was valid";
}

TEST_P(LockBehaviour, OwnerIsStale_CanNeitherReleaseNorRenewTheSuccessorsLock) {  // [7, 10]
  Lease first = call->acquire(brief());
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

TEST_P(LockBehaviour, LockIsNotHeld_ReleaseDoesNothing) {  // [8]
  const Lease lease = call->acquire(60s);
  call->release(lease);
  call->release(lease);
  call->release(Lease{"0123456789abcdef0123456789abcdef", 1, 1s, {}});
  call->acquire(60s);
}

TEST_P(LockBehaviour, RenewedWithAShorterTtl_TimeToLiveIsReplaced) {  // [9]
  Lease lease = call->acquire(1h);
  lease.ttl = 1min;
  EXPECT_TRUE(call->renew(lease));
  EXPECT_LE(lease.valid_until, loop.clock.boot_now() + 1min);
  EXPECT_LT(call->try_acquire(1s).busy_until, loop.clock.boot_now() + 30min);
}

TEST_P(LockBehaviour, LockHasExpired_RenewalDoesNotCreateIt) {  // [10]
  Lease lease = call->acquire(brief());
  EXPECT_TRUE(loop.eventually([&] {
    Lease probe = lease;
    probe.ttl = 1ms;  // so that a probe that comes in time does not keep the lock alive
    return !call->renew(probe);
  }));
  EXPECT_FALSE(call->renew(lease));
  if (is_redlock()) {
    call->acquire_eventually(60s);  // a lease that is not valid is lost a few milliseconds before its keys expire
  } else {
    call->acquire(60s);
  }
}

TEST_P(LockBehaviour, RenewedWithALongerTtl_LastsFromTheRenewalOn) {  // [16]
  Lease lease = call->acquire(60s);
  lease.ttl = 1h;
  ASSERT_TRUE(call->renew(lease));
  const BootTime much_later = loop.clock.boot_now() + 30min;
  EXPECT_GT(lease.valid_until, much_later);
  const AcquireResult contender = call->try_acquire(1s);
  EXPECT_FALSE(contender.lease);
  EXPECT_GT(contender.busy_until, much_later);
}

TEST_P(LockBehaviour, AcquiredRenewedAndReleased_FenceRisesOnAcquisitionOnly) {  // [21]
  std::uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    Lease lease = call->acquire(60s);
    EXPECT_GT(lease.fence, last);
    last = lease.fence;
    EXPECT_TRUE(call->renew(lease));
    EXPECT_EQ(lease.fence, last);
    call->release(lease);
  }
  call->acquire(brief());
  EXPECT_GT(call->acquire_eventually(60s).fence, last);
}

TEST_P(LockBehaviour, StoredGenerationIsAheadOfTheClock_FenceIsAboveIt) {
  const Lease first = call->acquire(60s);
  const Generation ahead = first.fence + 3'600'000'000;
  EXPECT_TRUE(call->publish(make_record(loop, ahead, "x"), first).stored);
  EXPECT_GT(call->acquire(60s).fence, ahead);
}

TEST_P(LockBehaviour, AgentIsRestarted_FenceRises) {
  const std::uint64_t before = call->acquire(60s, "u").fence;
  const Lease lease = call->acquire(60s);
  call->release(lease);
  close();
  open();
  const Lease after = call->acquire(60s);
  EXPECT_GT(after.fence, lease.fence);
  EXPECT_GT(before, 0U);
}

}  // namespace
}  // namespace jeton::agent
