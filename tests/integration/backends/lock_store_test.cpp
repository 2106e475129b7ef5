// The promises of every store of applications' locks (agent/fleet/lock_store.hpp), on each backend.
#include <gmock/gmock.h>

#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/local/local_backend.hpp"
#include "agent/fleet/redis/redis_backend.hpp"
#include "agent/fleet/redlock/redlock_backend.hpp"
#include "tests/integration/backends/behaviour_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

class LockStores : public testing::TestWithParam<const char*> {
 protected:
  LockStores() { open(); }
  ~LockStores() override { close(); }

  void open() {
    if (backend.is_local()) {
      store = make_local_lock_store(loop.timers, backend.dir() / "locks");
    } else if (backend.is_redlock()) {
      store = make_redlock_backends(loop.timers, loop.random, backend.redlock()).locks;
    } else {
      store = make_redis_backends(loop.timers, loop.random, backend.redis()).locks;
    }
    store->start();
  }
  void close() {
    store->stop();
    store.reset();
  }

  [[nodiscard]] AcquireRequest request(Duration ttl, const std::string& metadata = "") {
    return {new_owner_id(loop.random), true, ttl, {LockHolder{"host", 1, 2}, metadata}};
  }
  LockTry attempt(Duration ttl, const std::string& metadata = "") {
    return loop.run(store->try_acquire(id, request(ttl, metadata)));
  }
  Lease acquire(Duration ttl, const std::string& metadata = "") {
    std::optional<Lease> lease;
    EXPECT_TRUE(loop.eventually([&] { return (lease = attempt(ttl, metadata).lease).has_value(); }));
    return lease.value();
  }
  LockView show() { return loop.run(store->show(id)); }

  test::Backend backend{GetParam()};
  test::TestLoop& loop = backend.loop();
  std::unique_ptr<LockStore> store;
  const LockId id{"nightly"};
};

TEST_P(LockStores, LockIsAcquired_OthersAreBusyAndHolderIsShown) {
  const Lease lease = acquire(60s, "backup of db-1");
  const LockTry second = attempt(60s);
  EXPECT_FALSE(second.lease);
  EXPECT_EQ(second.holder, lease.owner);
  EXPECT_GT(second.busy_until, loop.clock.boot_now());
  const LockView view = show();
  EXPECT_TRUE(view.held);
  EXPECT_EQ(view.owner, lease.owner);
  EXPECT_EQ(view.fence, lease.fence);
  EXPECT_EQ(view.note.metadata, "backup of db-1");
  EXPECT_EQ(view.note.by, (LockHolder{"host", 1, 2}));
  EXPECT_TRUE(view.note.age);
  EXPECT_EQ(second.note.by, view.note.by);
  EXPECT_EQ(second.note.metadata, "backup of db-1");
  EXPECT_TRUE(second.note.age);
  EXPECT_LE(view.ttl.value(), 60s);
}

TEST_P(LockStores, LockIsReleased_IsFreeForTheNextOwner) {
  const Lease first = acquire(60s);
  EXPECT_TRUE(loop.run(store->release(id, first.owner)));
  EXPECT_FALSE(show().held);
  const Lease second = acquire(60s);
  EXPECT_NE(second.owner, first.owner);
  EXPECT_GT(second.fence, first.fence);
}

TEST_P(LockStores, OwnerIdIsForeign_CanNeitherReleaseNorExtend) {
  const Lease lease = acquire(60s);
  EXPECT_FALSE(loop.run(store->release(id, "stranger")));
  Lease stranger{"stranger", 0, 60s, loop.clock.boot_now() + 60s};
  EXPECT_FALSE(loop.run(store->extend(id, stranger)));
  EXPECT_EQ(show().owner, lease.owner);
}

TEST_P(LockStores, LockIsExtended_TimeToLiveIsReplaced) {
  Lease lease = acquire(1h);
  lease.ttl = 1min;
  const BootTime before = lease.valid_until;
  ASSERT_TRUE(loop.run(store->extend(id, lease)));
  EXPECT_LT(lease.valid_until, before);
  EXPECT_TRUE(loop.eventually([&] { return show().ttl.value() <= 1min; }));
}

TEST_P(LockStores, TimeToLiveEnds_LockIsFreeAndNotCreatedAgain) {
  Lease lease = acquire(2s);
  ASSERT_TRUE(loop.eventually([&] { return !show().held; }));
  lease.valid_until = loop.clock.boot_now() + 10s;
  EXPECT_FALSE(loop.run(store->extend(id, lease)));
  EXPECT_FALSE(show().held);
  EXPECT_FALSE(loop.run(store->release(id, lease.owner)));
  EXPECT_GT(acquire(60s).fence, lease.fence);
}

TEST_P(LockStores, ReleaseIsForced_HolderHasLostTheLock) {
  Lease lease = acquire(60s);
  EXPECT_TRUE(loop.run(store->force_release(id)));
  EXPECT_FALSE(loop.run(store->force_release(id)));
  EXPECT_FALSE(show().held);
  EXPECT_FALSE(loop.run(store->extend(id, lease)));
}

TEST_P(LockStores, LockIsReleasedOrForced_ListenerIsWoken) {
  int woken = 0;
  store->listen(id, [&] { ++woken; });
  ASSERT_TRUE(loop.turn_until([&] { return woken > 0; })) << "releases can be heard from here on";
  for (const bool forced : {false, true}) {
    const Lease lease = acquire(60s);
    const int before = woken;
    if (forced) {
      EXPECT_TRUE(loop.run(store->force_release(id)));
    } else {
      EXPECT_TRUE(loop.run(store->release(id, lease.owner)));
    }
    EXPECT_TRUE(loop.turn_until([&] { return woken > before; }));
  }
  store->listen(id, nullptr);
}

TEST_P(LockStores, AgentIsRestarted_LockAndFenceAreKept) {
  const Lease lease = acquire(60s, "kept");
  close();
  open();
  EXPECT_FALSE(attempt(60s).lease);
  EXPECT_EQ(show().note.metadata, "kept");
  EXPECT_TRUE(loop.run(store->release(id, lease.owner)));
  EXPECT_GT(acquire(60s).fence, lease.fence);
}

// As the broker does it within a host.
TEST_P(LockStores, LockIsPassedOn_IsTheNewOwnersWithItsFenceAndNote) {
  const Lease former = acquire(60s, "former");
  Lease next{new_owner_id(loop.random), former.fence + 1, 60s, former.valid_until};
  const LockNote note{LockHolder{"host", 3, 4}, "next"};
  for (const char* time : {"once", "again, as after a lost answer"}) {
    SCOPED_TRACE(time);
    ASSERT_TRUE(loop.run(store->pass(id, {former.owner}, next, note, false)));
    const LockView view = show();
    EXPECT_EQ(view.owner, next.owner);
    EXPECT_EQ(view.fence, next.fence);
    EXPECT_EQ(view.note.by, note.by);
    EXPECT_EQ(view.note.metadata, "next");
    EXPECT_TRUE(view.note.age);
  }
  EXPECT_GT(next.valid_until, former.valid_until);
  EXPECT_FALSE(attempt(60s).lease);
  EXPECT_FALSE(loop.run(store->release(id, former.owner)));
  Lease stale = former;
  EXPECT_FALSE(loop.run(store->extend(id, stale)));
  EXPECT_FALSE(loop.run(store->pass(id, {former.owner}, stale, note, false))) << "a report that comes late";
  EXPECT_TRUE(loop.run(store->extend(id, next)));
  EXPECT_EQ(show().owner, next.owner);
  EXPECT_TRUE(loop.run(store->release(id, next.owner)));
  EXPECT_FALSE(show().held);
}

TEST_P(LockStores, FormerOwnerHasLostIt_IsNotPassedOnAndNotCreated) {
  const Lease former = acquire(60s);
  Lease next{new_owner_id(loop.random), former.fence + 1, 60s, former.valid_until};
  ASSERT_TRUE(loop.run(store->force_release(id)));
  EXPECT_FALSE(loop.run(store->pass(id, {former.owner}, next, {}, false)));
  EXPECT_FALSE(show().held);
  const Lease successor = acquire(60s);
  next.valid_until = loop.clock.boot_now() + 60s;
  EXPECT_FALSE(loop.run(store->pass(id, {former.owner}, next, {}, false)));
  EXPECT_FALSE(loop.run(store->release(id, next.owner, {former.owner})));
  EXPECT_EQ(show().owner, successor.owner);
}

TEST_P(LockStores, StoreHasNotHeardOfTheHolder_ReleaseForTheFormerOwnerFreesIt) {
  const Lease former = acquire(60s);
  EXPECT_TRUE(loop.run(store->release(id, "next", {"another", former.owner})));
  EXPECT_FALSE(show().held);
  EXPECT_GT(acquire(60s).fence, former.fence + spare_fences) << "these may have been used";
}

INSTANTIATE_TEST_SUITE_P(Each, LockStores,
                         testing::Values("local", "redis_unix", "redis_cluster", "redlock", "memory_redis",
                                         "memory_redlock"),
                         backend_name);

}  // namespace
}  // namespace jeton::agent
