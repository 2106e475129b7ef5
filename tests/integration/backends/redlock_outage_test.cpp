// A quorum whose servers are killed, frozen, silent or refusing. The numbers in brackets are those of the lock
// scenarios.
#include <gmock/gmock.h>
#include <signal.h>

#include <array>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redlock/redlock_backend.hpp"
#include "tests/integration/backends/redlock_testing.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using test::RedlockHost;

constexpr const char* outages[] = {"killed", "frozen", "refusing", "black_hole"};

class RedlockOutage : public test::Redlock, public testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] std::string kind() const { return GetParam(); }

  // Options under which servers 0 to `count` - 1 refuse or are black holes, if that is the outage.
  [[nodiscard]] RedlockOptions options_without(std::size_t count, Duration timeout) const {
    auto options = servers.options(timeout);
    for (std::size_t i = 0; i < count; ++i) {
      if (kind() == "refusing") options.servers[i].password = [] { return SecretString("wrong"); };
      if (kind() == "black_hole") options.servers[i].address = holes[i].address();
    }
    return options;
  }
  void break_servers(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (kind() == "killed") servers[i].kill();
      if (kind() == "frozen") servers[i].signal(SIGSTOP);
    }
  }
  [[nodiscard]] bool breaks_later() const { return kind() == "killed" || kind() == "frozen"; }

  std::array<test::BlackHole, 3> holes;
};

INSTANTIATE_TEST_SUITE_P(All, RedlockOutage, testing::ValuesIn(outages),
                         [](const testing::TestParamInfo<const char*>& kind) { return std::string(kind.param); });

TEST_P(RedlockOutage, OfAMinority_IsNotWaitedForByTheCoordinator) {  // [23]
  const BootTime start = loop.clock.boot_now();
  RedlockHost host(loop, options_without(2, test::patience));
  host.warm_up(breaks_later() ? 5 : 3);
  break_servers(2);
  Lease lease = host.call.acquire(1h);
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_TRUE(host.call.admit(lease, FetchLimits{1s, 5, 1h}).admitted());
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_EQ(host.call.load()->value, SecretString("x"));
  host.call.release(host.call.acquire(1h));
  host.call.pause(1h, "429");
  EXPECT_TRUE(host.call.try_acquire(1h).pause);
  const std::string name = "t";
  const auto usage = loop.run(host.coordinator.usage(name));
  EXPECT_EQ(usage.calls, 1U);
  loop.run(host.coordinator.restore_usage(name, usage, {.budget_window = 1h}));
  loop.run(host.coordinator.announce_rejection(name, lease.fence));
  loop.run(host.coordinator.resume(name, ResumeReason::operator_asked));
  EXPECT_TRUE(host.coordinator.health().reachable);
  // No call was as long as a question to a server that does not answer.
  EXPECT_LT(loop.clock.boot_now() - start, Duration{test::patience});
}

// The same of the locks that applications take.
TEST_P(RedlockOutage, OfAMinority_IsNotWaitedForByTheLockStore) {
  const BootTime start = loop.clock.boot_now();
  const Backends backends = make_redlock_backends(loop.timers, loop.random, options_without(2, test::patience));
  LockStore& store = *backends.locks;
  store.start();
  const std::string connected = breaks_later() ? " 5 reachable" : " 3 reachable";
  EXPECT_TRUE(loop.turn_until([&] { return store.health().endpoint.ends_with(connected); }));
  break_servers(2);
  const LockId id{"job"};
  const auto take = [&] {
    LockTry taken = loop.run(store.try_acquire(id, {new_owner_id(loop.random), true, 1h, {}}));
    return taken.lease.value();
  };
  EXPECT_FALSE(loop.run(store.show(id)).held);
  Lease lease = take();
  EXPECT_EQ(loop.run(store.show(id)).owner, lease.owner);
  EXPECT_TRUE(loop.run(store.extend(id, lease)));
  EXPECT_TRUE(loop.run(store.release(id, lease.owner)));
  take();
  EXPECT_TRUE(loop.run(store.force_release(id)));
  EXPECT_FALSE(loop.run(store.show(id)).held);
  EXPECT_LT(loop.clock.boot_now() - start, Duration{test::patience});
  store.stop();
}

TEST_P(RedlockOutage, OfAMajority_IsNeverReadAsBusyLostOrEmpty) {  // [23]
  RedlockHost whole(loop, servers.options());
  Lease lease = hold_everywhere(whole);
  RedlockHost host(loop, options_without(3, impatience));
  EXPECT_TRUE(loop.eventually(
      [&] { return host.coordinator.health().endpoint.ends_with(breaks_later() ? " 5 reachable" : " 2 reachable"); }));
  break_servers(3);
  const BootTime valid_until = lease.valid_until;
  EXPECT_THROW(host.call.try_acquire(1h), TransportError);
  EXPECT_THROW(host.call.renew(lease), TransportError);
  EXPECT_THROW(host.call.admit(lease, FetchLimits{}), TransportError);
  EXPECT_THROW(static_cast<void>(host.call.load()), TransportError);
  EXPECT_THROW(host.call.pause(1s, "x"), TransportError);
  EXPECT_THROW(host.call.publish(make_record(loop, lease.fence, "x"), lease), TransportError);
  EXPECT_THROW(host.call.release(lease), TransportError);
  EXPECT_EQ(lease.valid_until, valid_until);
  EXPECT_FALSE(host.coordinator.health().reachable);
  servers.signal({0, 1, 2}, SIGCONT);
}

}  // namespace
}  // namespace jeton::agent
