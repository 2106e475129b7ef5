// Other clients of the same Redis: their locks, and the value that they read. The numbers in brackets are those of the
// lock scenarios.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tests/integration/backends/redis_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

struct Interop : test::RedisCoordination {
  static constexpr const char* key = "their-lock";

  void use(TokenLockConfig::Protocol protocol) {
    for (test::Host* host : {&a, &b}) host->coordinator.configure("t", {{key, protocol}, "their-token"});
  }
  [[nodiscard]] std::int64_t server_seconds() const {
    return std::stoll(server.cli({"TIME"}));  // the first line
  }
  [[nodiscard]] std::string their_value() const { return server.cli({"GET", key}); }
};

struct GetsetLock : Interop {
  GetsetLock() { use(TokenLockConfig::Protocol::getset); }
};

TEST_F(Interop, LockKeyIsShared_EitherClientKeepsTheOtherOut) {
  use(TokenLockConfig::Protocol::set_nx);
  server.cli({"SET", key, "theirs", "NX", "PX", "60000"});
  EXPECT_FALSE(a.call.try_acquire(60s).lease);
  server.cli({"DEL", key});
  const Lease lease = a.call.acquire(60s);
  EXPECT_EQ(server.cli({"SET", key, "theirs", "NX", "PX", "60000"}), "");
  EXPECT_EQ(their_value(), lease.owner);
  EXPECT_FALSE(exists(updater));
}

TEST_F(Interop, RecordIsPublished_BareValueIsMirroredUntilItExpires) {
  use(TokenLockConfig::Protocol::set_nx);
  const Lease lease = a.call.acquire(60s);
  ASSERT_TRUE(a.call.publish(test::make_record(loop, lease.fence, "tok-1", 60s), lease).stored);
  EXPECT_EQ(server.cli({"GET", "their-token"}), "tok-1");
  EXPECT_LE(pttl("their-token"), 60'000);
  EXPECT_GT(pttl("their-token"), 0);
}

TEST_F(Interop, PublicationIsLate_MirrorIsNotChanged) {
  use(TokenLockConfig::Protocol::set_nx);
  const Lease late = a.call.acquire(60s);
  a.call.release(late);
  const Lease lease = b.call.acquire(60s);
  b.call.publish(test::make_record(loop, lease.fence, "new", 60s), lease);
  EXPECT_FALSE(a.call.publish(test::make_record(loop, late.fence, "old", 60s), late).stored);
  EXPECT_EQ(server.cli({"GET", "their-token"}), "new");
}

TEST_F(GetsetLock, Acquired_ValueIsItsEndInTheServersSeconds) {  // [25]
  const std::int64_t before = server_seconds();
  a.call.acquire(60s);
  const std::int64_t after = server_seconds();
  const std::int64_t end = std::stoll(their_value());
  EXPECT_GE(end, before + 61) << "the second that follows the lock's last one";
  EXPECT_LE(end, after + 61);
  EXPECT_FALSE(b.call.try_acquire(60s).lease);
}

TEST_F(GetsetLock, ValueIsATimeInTheFuture_IsBusyUntilThen) {  // [25]
  server.cli({"SET", key, std::to_string(server_seconds() + 3600)});
  const auto result = a.call.try_acquire(60s);
  EXPECT_FALSE(result.lease);
  EXPECT_GT(result.busy_until, loop.clock.boot_now() + 3500s);
  EXPECT_LE(result.busy_until, loop.clock.boot_now() + 3601s);
}

TEST_F(GetsetLock, ValueIsATimeInThePast_OneOfTwentyTriesWins) {  // [25]
  server.cli({"SET", key, std::to_string(server_seconds() - 5)});
  int won = 0;
  int ended = 0;
  const auto attempt = [](Coordinator& coordinator, int& winners, int& done) -> Task<> {
    const AcquireResult result = co_await coordinator.try_acquire("t", 60s);
    if (result.lease) ++winners;
    ++done;
  };
  for (int i = 0; i < 20; ++i) {
    boost::asio::co_spawn(loop.context, attempt((i % 2 == 0 ? a : b).coordinator, won, ended), boost::asio::detached);
  }
  ASSERT_TRUE(loop.turn_until([&] { return ended == 20; }));
  EXPECT_EQ(won, 1);
}

TEST_F(GetsetLock, ValueIsUnparsable_IsBusyAndValueStays) {  // [25]
  for (const char* text : {"abc", "12.5", "-7", " 12", ""}) {
    server.cli({"SET", key, text});
    const auto result = a.call.try_acquire(60s);
    EXPECT_FALSE(result.lease) << text;
    EXPECT_NE(result.trouble, "") << text;
    EXPECT_EQ(their_value(), text);
  }
}

TEST_F(GetsetLock, KeyHasATimeToLive_IsBusyAndKeepsIt) {  // [25]
  server.cli({"SET", key, "1", "PX", "60000"});           // a number that is long past, but it has a TTL
  EXPECT_FALSE(a.call.try_acquire(60s).lease);
  EXPECT_EQ(their_value(), "1");
  EXPECT_GT(pttl(key), 0);
}

TEST_F(GetsetLock, ServerIsFull_IsRenewedAllTheSame) {
  Lease lease = a.call.acquire(10s);
  server.cli({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_TRUE(a.call.renew(lease));
  EXPECT_EQ(their_value(), lease.owner);
}

TEST_F(GetsetLock, Renewed_EndMovesAndReleaseStillWorks) {
  Lease lease = a.call.acquire(60s);
  const std::string before = their_value();
  lease.ttl = 1h;
  EXPECT_TRUE(a.call.renew(lease));
  EXPECT_GT(std::stoll(their_value()), std::stoll(before));
  a.call.release(lease);
  EXPECT_EQ(their_value(), "");
}

TEST_F(GetsetLock, TakenOverByAnOlderClient_RenewalFailsAndTheKeyStays) {
  Lease lease = a.call.acquire(60s);
  server.cli({"GETSET", key, std::to_string(server_seconds() + 600)});  // an old client that thought it was over
  EXPECT_FALSE(a.call.renew(lease));
  a.call.release(lease);
  EXPECT_NE(their_value(), "");
}

TEST_F(GetsetLock, Acquired_KeyHasATimeToLive) {
  a.call.acquire(60s);
  EXPECT_GT(pttl(key), 0);
}

}  // namespace
}  // namespace jeton::agent
