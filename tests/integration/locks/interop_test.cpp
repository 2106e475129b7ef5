// The same lock as other clients know it: redis-py's Lock (set_nx) and clients of the older protocol (getset).
#include <signal.h>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

constexpr const char* rules =
    "locks:\n  \"job-*\": {key: 'cron:*', max_ttl: 1h}\n  old: {key: legacy-lock, protocol: getset, max_ttl: 1h}\n";

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

TEST_F(LocksOfOthers, HeldByRedisPyIsBusyHereUntilItIsReleased) {
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

TEST_F(LocksOfOthers, HeldHereIsBusyForRedisPyUntilItIsReleased) {
  const Json lock = host.acquire("job-1", "60s");
  ASSERT_TRUE(lock.is_object());
  EXPECT_EQ(redis.cli({"GET", "cron:job-1"}), lock["owner"].get<std::string>());
  Process refused = python("assert not lock(blocking=False).acquire()\n");
  EXPECT_EQ(refused.wait(), 0) << refused.err();
  Process waiter = python("assert lock(blocking_timeout=60).acquire()\n");
  ASSERT_EQ(host.release("job-1", lock), 0);
  EXPECT_EQ(waiter.wait(), 0) << waiter.err();
}

TEST_F(LocksOfOthers, TakenByTheOlderProtocolEndAtTheTimeInTheirValue) {
  redis.cli({"SET", "legacy-lock", "99999999999"});
  EXPECT_EQ(host.lock({"acquire", "old", "--ttl", "60s"}).status, 4) << "a time in the future";
  redis.cli({"SET", "legacy-lock", "not a number"});
  EXPECT_EQ(host.lock({"acquire", "old", "--ttl", "60s"}).status, 4);
  redis.cli({"SET", "legacy-lock", "newer-kind", "PX", "3600000"});
  EXPECT_EQ(host.lock({"acquire", "old", "--ttl", "60s"}).status, 4);
  EXPECT_GT(std::stoi(redis.cli({"PTTL", "legacy-lock"})), 3'000'000);

  redis.cli({"SET", "legacy-lock", "1000000000"});
  std::vector<std::unique_ptr<Process>> tries;
  for (int i = 0; i < 20; ++i) tries.push_back(host.start({"acquire", "old", "--ttl", "60s"}));
  int won = 0;
  Json lock;
  for (const auto& one : tries) {
    if (one->wait() != 0) continue;
    ++won;
    lock = Json::parse(one->out());
  }
  ASSERT_EQ(won, 1) << "a time in the past has one winner";
  EXPECT_EQ(redis.cli({"GET", "legacy-lock"}), lock["owner"].get<std::string>());
  EXPECT_EQ(host.release("old", lock), 0);
}

TEST_F(LocksOfOthers, OfTheOlderProtocolAreRenewedAndGivenBack) {
  EXPECT_EQ(host.lock({"run", "old", "--ttl", "1s", "--", "sleep", "4"}).status, 0);
  EXPECT_EQ(redis.cli({"EXISTS", "legacy-lock"}), "0");
}

}  // namespace
}  // namespace jeton::test
