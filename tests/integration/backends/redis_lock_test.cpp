// The lock on a real redis-server, seen from its keys. The numbers in brackets are those of the lock scenarios.
#include <gmock/gmock.h>

#include "agent/base/error.hpp"
#include "tests/integration/backends/redis_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

using RedisLock = test::RedisCoordination;

TEST_F(RedisLock, ScriptsAreFlushed_EveryOperationWorks) {  // [24]
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

TEST_F(RedisLock, KeyHasAnotherType_ErrorNamesItAndNoLockIsLeft) {
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

}  // namespace
}  // namespace jeton::agent
