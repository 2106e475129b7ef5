// The lock on a memory server, seen from its keys. The numbers in brackets are those of the lock scenarios.
#include <gmock/gmock.h>

#include "agent/base/error.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

using RedisLock = test::VirtualRedis;

TEST_F(RedisLock, Acquired_KeyHoldsOwnerAndTimeToLive) {  // [1]
  const Lease lease = a.call.acquire(60s);
  EXPECT_EQ(value(), lease.owner);
  EXPECT_LE(pttl(updater), 60'000);
  EXPECT_GE(pttl(updater), 59'000);
  a.call.release(lease);
  EXPECT_FALSE(exists(updater));  // [5]
}

TEST_F(RedisLock, Busy_HolderIsUntouched) {  // [2]
  const Lease lease = a.call.acquire(1h);
  EXPECT_FALSE(b.call.try_acquire(1s).lease);
  EXPECT_EQ(value(), lease.owner);
  EXPECT_GT(pttl(updater), 3'000'000);
}

TEST_F(RedisLock, KeyHasNoTimeToLive_IsBusyAndLookedAtAgain) {
  server.cli({"SET", updater, "by hand"});
  const AcquireResult result = a.call.try_acquire(1s);
  EXPECT_FALSE(result.lease);
  EXPECT_GT(result.busy_until, loop.clock.boot_now());
  EXPECT_EQ(value(), "by hand");
  EXPECT_NE(result.trouble.find("DEL"), std::string::npos) << "the operator is not told what to do";
}

TEST_F(RedisLock, StaleRelease_LeavesTheSuccessor) {  // [7]
  const Lease stale = a.call.acquire(50ms);
  const Lease next = b.call.acquire_eventually(1h);
  a.call.release(stale);
  EXPECT_EQ(value(), next.owner);
  EXPECT_GT(pttl(updater), 3'000'000);
}

TEST_F(RedisLock, Renewed_TimeToLiveIsReplaced) {  // [9]
  Lease lease = a.call.acquire(1h);
  lease.ttl = 1min;
  EXPECT_TRUE(a.call.renew(lease));
  EXPECT_LE(pttl(updater), 60'000);
  EXPECT_GT(pttl(updater), 0);
}

TEST_F(RedisLock, ValueIsForeign_RenewalLeavesIt) {  // [10]
  Lease lease = a.call.acquire(60s);
  server.cli({"SET", updater, "foreign", "PX", "50000"});
  EXPECT_FALSE(a.call.renew(lease));
  EXPECT_EQ(value(), "foreign");
  EXPECT_LE(pttl(updater), 50'000);
  server.cli({"DEL", updater});
  EXPECT_FALSE(a.call.renew(lease));
  EXPECT_FALSE(exists(updater));
}

TEST_F(RedisLock, TwoRenewalsFailed_NextSucceeds) {  // [11]
  test::Host host(loop, impatient());
  Lease lease = host.call.acquire(1h);
  const BootTime before = lease.valid_until;
  server.freeze();
  EXPECT_THROW(host.call.renew(lease), TransportError);
  EXPECT_THROW(host.call.renew(lease), TransportError);
  EXPECT_EQ(lease.valid_until, before);
  server.thaw();
  bool renewed = false;
  EXPECT_TRUE(loop.eventually([&] {
    try {
      renewed = host.call.renew(lease);
      return true;
    } catch (const TransportError&) {
      return false;
    }
  }));
  EXPECT_TRUE(renewed);
}

TEST_F(RedisLock, LostInMidWork_NextRenewalSaysSoAndCreatesNothing) {  // [17]
  const std::vector<std::vector<std::string>> losses{
      {"DEL", updater}, {"FLUSHDB"}, {"FLUSHALL"}, {"SET", updater, "foreign"}};
  for (const auto& loss : losses) {
    server.cli({"DEL", updater});
    Lease lease = a.call.acquire(60s);
    ASSERT_TRUE(a.call.renew(lease));
    server.cli(loss);
    const bool there = exists(updater);
    EXPECT_FALSE(a.call.renew(lease)) << loss[0];
    EXPECT_EQ(exists(updater), there) << loss[0];
    // Nothing newer is there: the token that was fetched meanwhile is still published.
    EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, loss[0]), lease).stored);
    EXPECT_EQ(exists(updater), there) << "a publication freed a foreign lock";
  }
}

TEST_F(RedisLock, ServerRestartsEmpty_IsLost) {  // [17]
  Lease lease = a.call.acquire(60s);
  server.kill();
  ASSERT_TRUE(loop.turn_until([&] { return !a.coordinator.health().reachable; }));
  server.restart();
  EXPECT_FALSE(a.call.renew(lease));
  EXPECT_FALSE(exists(updater));
  EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
}

TEST_F(RedisLock, LostAndSuccessorPublished_PublicationIsRefused) {  // [17]
  const Lease lost = a.call.acquire(60s);
  server.cli({"DEL", updater});
  const Lease next = b.call.acquire(60s);
  EXPECT_TRUE(b.call.publish(make_record(loop, next.fence, "next"), next).stored);
  const PublishResult refused = a.call.publish(make_record(loop, lost.fence, "lost"), lost);
  EXPECT_FALSE(refused.stored);
  EXPECT_EQ(refused.current->value, SecretString("next"));
}

TEST_F(RedisLock, Lost_SameHostLocksAndRenewsAgain) {  // [18]
  Lease lost = a.call.acquire(60s);
  server.cli({"FLUSHALL"});
  EXPECT_FALSE(a.call.renew(lost));
  Lease again = a.call.acquire(60s);
  EXPECT_NE(again.owner, lost.owner);
  EXPECT_GT(again.fence, lost.fence);
  EXPECT_TRUE(a.call.renew(again));
  EXPECT_FALSE(a.call.renew(lost));
}

TEST_F(RedisLock, CounterLostOrImpossible_FenceRises) {  // [21]
  std::uint64_t last = 0;
  const std::vector<std::vector<std::string>> events{{"PING"},
                                                     {"FLUSHALL"},
                                                     {"DEL", fence},
                                                     {"SET", fence, "garbage"},
                                                     {"SET", fence, "inf"},
                                                     {"SET", fence, "-1"},
                                                     {"SET", fence, "9007199254740991"},
                                                     {"SET", fence, "99999999999999999999999"},
                                                     {"PING"}};
  for (const auto& event : events) {
    const Lease lease = a.call.acquire(60s);
    EXPECT_GT(lease.fence, last) << "after " << event[0];
    EXPECT_LT(lease.fence, std::uint64_t{1} << 53U);
    EXPECT_EQ(server.cli({"GET", fence}), std::to_string(lease.fence));
    last = lease.fence;
    a.call.release(lease);
    server.cli(event);
  }
}

TEST_F(RedisLock, CounterIsAhead_FenceCountsOn) {
  server.cli({"SET", fence, "4000000000000000"});
  const Lease lease = a.call.acquire(60s);
  EXPECT_GT(lease.fence, 4'000'000'000'000'000U);
  EXPECT_LE(lease.fence, 4'000'000'000'000'001U + 0xffff);
}

TEST_F(RedisLock, ServerKnowsNoSetWithGet_FenceRises) {  // before Redis 6.2
  server.answer("SET", [this](const test::MemoryServer::Words& words) {
    if (words.back() == "GET") return test::MemoryServer::Reply::error("ERR syntax error");
    return server.cli(words) == "OK" ? test::MemoryServer::Reply::ok() : test::MemoryServer::Reply::nil();
  });
  std::uint64_t last = 4'000'000'000'000'000U;
  server.cli({"SET", fence, std::to_string(last)});
  for (int i = 0; i < 3; ++i) {
    const Lease lease = a.call.acquire(60s);
    EXPECT_GT(lease.fence, last);
    EXPECT_EQ(server.cli({"GET", fence}), std::to_string(lease.fence));
    EXPECT_FALSE(b.call.try_acquire(60s).lease);
    last = lease.fence;
    a.call.release(lease);
  }
}

// Most of the time that the server needs for a lock.
TEST_F(RedisLock, AcquiredAndReleased_ScriptsExecuteNineCommands) {
  a.call.release(a.call.acquire(60s));
  loop.pass(1s);  // the next fence is the time, and not counted on from the last one
  const std::uint64_t before = server.commands_of_scripts();
  const Lease lease = a.call.acquire(60s);
  EXPECT_EQ(server.commands_of_scripts() - before, 6U);
  a.call.release(lease);
  EXPECT_EQ(server.commands_of_scripts() - before, 9U);
}

// A failover to a replica that is behind, or a restart, while the server's clock is behind the fences.
TEST_F(RedisLock, CountedFenceIsLost_IsNotDrawnAgain) {
  server.cli({"SET", fence, "4000000000000000"});
  const Lease first = a.call.acquire(60s);
  server.cli({"DEL", updater});
  server.cli({"SET", fence, "4000000000000000"});
  EXPECT_NE(b.call.acquire(60s).fence, first.fence);
}

TEST_F(RedisLock, Acquired_FenceCounterExpiresInTheEnd) {
  a.call.acquire(60s);
  EXPECT_GT(pttl(fence), 29LL * 24 * 3600 * 1000);
}

TEST_F(RedisLock, ScriptsFlushed_EveryOperationWorks) {  // [24]
  const auto flush = [&] { server.cli({"SCRIPT", "FLUSH"}); };
  flush();
  Lease lease = a.call.acquire(60s);
  flush();
  EXPECT_TRUE(a.call.renew(lease));
  flush();
  EXPECT_TRUE(a.call.admit(lease, FetchLimits{}).admitted());
  flush();
  EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  flush();
  EXPECT_TRUE(a.call.load());
  lease = a.call.acquire(60s);
  flush();
  a.call.release(lease);
  EXPECT_FALSE(exists(updater));
  flush();
  a.call.pause(60s, "x");
  EXPECT_TRUE(exists(pause));
}

TEST_F(RedisLock, KeyHasAnotherType_IsAnErrorThatNamesItAndLeavesNoTrace) {
  const Lease lease = a.call.acquire(60s);
  a.call.release(lease);
  const Record record = make_record(loop, lease.fence, "x");
  const auto acquire = [&] { a.call.try_acquire(60s); };
  const auto publish = [&] { a.call.publish(record, lease); };
  const auto load = [&] { static_cast<void>(a.call.load()); };
  const auto usage = [&] { static_cast<void>(loop.run(a.coordinator.usage("t"))); };
  const std::vector<std::pair<const char*, std::vector<std::function<void()>>>> cases{
      {fence, {acquire}}, {updater, {acquire, publish}}, {pause, {acquire}}, {token, {acquire, publish, load}},
      {budget, {usage}},
  };
  for (const auto& [key, calls] : cases) {
    server.cli({"FLUSHALL"});
    server.cli({"RPUSH", key, "x"});
    for (const auto& call : calls) {
      try {
        call();
        ADD_FAILURE() << key << " was taken as it is";
      } catch (const TransportError& e) {
        EXPECT_THAT(e.what(), testing::HasSubstr("WRONGTYPE the key " + std::string(key)));
        EXPECT_THAT(e.what(), testing::HasSubstr("DEL the key"));
      }
    }
    EXPECT_EQ(exists(updater), key == std::string(updater)) << key;
  }
  server.cli({"FLUSHALL"});
  const Lease held = a.call.acquire(60s);
  server.cli({"RPUSH", budget, "x"});
  try {
    a.call.admit(held, FetchLimits{});
    FAIL() << "admitted";
  } catch (const TransportError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr(std::string("WRONGTYPE the key ") + budget));
  }
}

TEST_F(RedisLock, Busy_HolderIsTold) {
  const Lease lease = a.call.acquire(60s);
  EXPECT_EQ(b.call.try_acquire(60s).holder, lease.owner);
  a.call.release(lease);
  server.cli({"SET", updater, "cron\n\"job\" on host\x1b[31m"});
  EXPECT_EQ(b.call.try_acquire(60s).holder, "cron\\x0a\"job\" on host\\x1b[31m");
  server.cli({"SET", updater, std::string(1000, 'x')});
  EXPECT_EQ(b.call.try_acquire(60s).holder, std::string(64, 'x'));
  server.cli({"SET", updater, std::string(1000, '\t')});
  EXPECT_EQ(b.call.try_acquire(60s).holder.size(), 64U);
}

}  // namespace
}  // namespace jeton::agent
