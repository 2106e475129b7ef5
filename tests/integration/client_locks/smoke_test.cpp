// One whole way through libjeton, a real agent and the real servers of each backend.
#include "tests/integration/client_locks/client_host.hpp"

namespace jeton::test {
namespace {

struct LocksSmoke : testing::TestWithParam<const char*> {
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", host.agent().log().c_str());
  }

  LockBackend backend{GetParam()};
  ClientHost host{backend.coordination()};
};

TEST_P(LocksSmoke, EachCall_DoesItsWork) {
  Lock one = host.lock("job", std::chrono::hours(1));
  Lock other = host.lock();
  ASSERT_TRUE(one.lock_for(patience)) << one.reason();
  EXPECT_FALSE(other.try_lock());
  EXPECT_EQ(other.check(), JETON_LOCK_BUSY);
  ASSERT_TRUE(other.start(patience).ok());
  EXPECT_TRUE(one.extend(seconds(30)).ok()) << one.reason();
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_TRUE(one.unlock().ok()) << one.reason();
  EXPECT_TRUE(eventually([&] { return other.check().ok(); })) << other.reason();
  EXPECT_GT(other.fence(), one.fence());
  EXPECT_TRUE(other.unlock().ok()) << other.reason();
  EXPECT_EQ(other.unlock(), JETON_LOCK_NOT_HELD);
}

TEST_P(LocksSmoke, FourWorkersCount_NoUpdateIsLost) {
  const TempDir dir;
  const std::filesystem::path file = dir.write("number", "0\n");
  std::vector<std::unique_ptr<Process>> workers;
  for (int i = 0; i < 4; ++i) {
    workers.push_back(std::make_unique<Process>(host.worker("60000", {"count", file, "5"})));
  }
  for (const auto& one : workers) EXPECT_EQ(one->wait(), 0) << one->err();
  EXPECT_EQ(read_file(file), "20\n");
}

TEST_P(LocksSmoke, AgentIsRestarted_LockThatOutlivesItGoesOn) {
  Lock one = host.lock("kept");
  ASSERT_TRUE(one.lock_for(patience)) << one.reason();
  const Fence fence = one.fence();
  host.agent().kill();
  host.agent().start();
  EXPECT_FALSE(host.lock("kept").try_lock());
  EXPECT_EQ(one.fence(), fence);
  EXPECT_TRUE(one.unlock().ok()) << one.reason();
}

INSTANTIATE_TEST_SUITE_P(On, LocksSmoke, testing::Values("local", "redis", "redlock"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace jeton::test
