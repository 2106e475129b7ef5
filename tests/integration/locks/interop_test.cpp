// The same lock as redis-py's Lock knows it.
#include <signal.h>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

constexpr const char* rules = "locks: {\"job-*\": {key: 'cron:*', max_ttl: 1h}}\n";

class LocksOfOthers : public testing::Test {
 protected:
  // redis-py in a process of its own; `code` has `r`, and `lock(name)`.
  [[nodiscard]] Process python(const std::string& code) const {
    return Process({"/usr/bin/python3", "-c",
                    "import redis, sys, time\nr = redis.Redis(unix_socket_path='" + redis.socket() +
                        "')\ndef lock(**more): return r.lock('cron:job-1', timeout=60, **more)\n" + code});
  }

  RedisServer redis;
  LockHost host{on_redis(redis), rules};
};

TEST_F(LocksOfOthers, HeldByRedisPy_IsBusyHereUntilItIsReleased) {
  Process holder = python(
      "l = lock()\nassert l.acquire()\nprint('held', flush=True)\nsys.stdin.read() if False else None\n"
      "while not r.exists('go'): time.sleep(0.01)\nl.release()\n");
  ASSERT_TRUE(eventually([&] { return holder.out() == "held\n"; })) << holder.err();
  EXPECT_EQ(host.lock({"run", "job-1", "--", "true"}).status, 124);
  EXPECT_TRUE(host.held("job-1"));
  const auto waiter = host.start({"run", "job-1", "--wait", "60s", "--", "true"});
  redis.cli({"SET", "go", "1"});
  EXPECT_EQ(waiter->wait(), 0) << waiter->err();
  EXPECT_EQ(holder.wait(), 0) << holder.err();
}

TEST_F(LocksOfOthers, HeldHere_IsBusyForRedisPyUntilItIsReleased) {
  const Json lock = host.acquire("job-1", "60s");
  ASSERT_TRUE(lock.is_object());
  EXPECT_EQ(redis.cli({"GET", "cron:job-1"}), lock["owner"].get<std::string>());
  Process refused = python("assert not lock(blocking=False).acquire()\n");
  EXPECT_EQ(refused.wait(), 0) << refused.err();
  Process waiter = python("assert lock(blocking_timeout=60).acquire()\n");
  ASSERT_EQ(host.release("job-1", lock), 0);
  EXPECT_EQ(waiter.wait(), 0) << waiter.err();
}

}  // namespace
}  // namespace jeton::test
