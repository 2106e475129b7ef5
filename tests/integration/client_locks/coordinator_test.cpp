// Two hosts and one Redis: the lock is the fleet's.
#include <thread>

#include "tests/integration/client_locks/lock_host.hpp"

namespace jeton::test {
namespace {

TEST_F(RedisLocks, IsBusyOnAnotherHostAndPassesToItsWaiter) {
  LockAgent other({&redis});
  Lock here = lock();
  Lock there = other.lock("job");
  ASSERT_TRUE(here.try_lock());
  EXPECT_FALSE(there.try_lock());
  ASSERT_TRUE(there.start(seconds(60)).ok());
  EXPECT_TRUE(here.unlock().ok());
  EXPECT_TRUE(eventually([&] { return there.check().ok(); }));
  EXPECT_GT(there.fence(), here.fence());
  EXPECT_NE(there.owner(), here.owner());
}

TEST_F(RedisLocks, PassesToAnotherHostWhenTheAgentIsKilled) {
  LockAgent other({&redis});
  Lock here = lock("job", seconds(1));
  ASSERT_TRUE(here.try_lock());
  agent.process().kill();
  EXPECT_TRUE(other.lock("job").lock_for(patience));
  EXPECT_TRUE(here.lost());
}

TEST_F(RedisLocks, TwoThatOverlapDoNotBlockEachOtherForEver) {
  LockAgent other({&redis});
  const auto work = [](LockOptions options, const std::string& first, const std::string& second) {
    options.also = {second};
    Lock both(first, options);
    for (int i = 0; i < 20; ++i) {
      if (!both.lock_for(patience)) return false;
      if (!both.unlock().ok()) return false;
    }
    return true;
  };
  bool there = false;
  std::thread thread([&] { there = work(other.options(), "b", "a"); });
  EXPECT_TRUE(work(agent.options(), "a", "b"));
  thread.join();
  EXPECT_TRUE(there);
}

TEST_F(RedisLocks, SixteenWorkersOnFourHostsLoseNoCount) {
  std::vector<std::unique_ptr<LockAgent>> agents;
  for (int i = 0; i < 4; ++i) agents.push_back(std::make_unique<LockAgent>(std::vector<const RedisServer*>{&redis}));
  const TempDir dir;
  const std::filesystem::path file = dir.write("number", "0\n");
  std::vector<std::unique_ptr<Process>> workers;
  for (std::size_t i = 0; i < 16; ++i) {
    workers.push_back(std::make_unique<Process>(worker(*agents[i % 4], "10000", {"count", file, "100"})));
  }
  for (const auto& one : workers) EXPECT_EQ(one->wait(), 0) << one->err();
  EXPECT_EQ(read_file(file), "1600\n");
}

}  // namespace
}  // namespace jeton::test
