// One whole way through jetonctl, a real agent and the real servers of each backend.
#include <fstream>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

class LockSmoke : public testing::TestWithParam<const char*> {
 protected:
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", host.agent().log().c_str());
  }

  LockBackend backend{GetParam()};
  LockHost host{backend.coordination()};
};

TEST_P(LockSmoke, EachSubcommand_DoesItsWork) {
  const Json lock = host.acquire("job", "1h", {"--wait", "60s", "--metadata", "nightly backup"});
  ASSERT_TRUE(lock.is_object());
  EXPECT_EQ(host.lock({"acquire", "job", "--ttl", "60s"}).status, 4);
  ASSERT_EQ(host.extend("job", lock, "1m"), 0);
  const Json shown = host.show("job");
  EXPECT_EQ(shown["owner"], lock["owner"]);
  EXPECT_EQ(shown["fence"], lock["fence"]);
  EXPECT_EQ(shown["metadata"], "nightly backup");
  EXPECT_LE(shown["ttl_ms"], 60'000);
  const auto waiter = host.start({"run", "job", "--wait", "60s", "--", "sh", "-c", "echo $JETON_LOCK_FENCE"});
  ASSERT_TRUE(host.waiting(1)) << waiter->err();
  ASSERT_EQ(host.release("job", lock), 0);
  EXPECT_EQ(waiter->wait(), 0) << waiter->err();
  EXPECT_GT(std::stoull(waiter->out()), lock["fence"].get<std::uint64_t>());
  EXPECT_EQ(host.release("job", lock), 5);
  EXPECT_TRUE(host.free("job"));
}

// An unprotected counter, read, then written: every update that overlaps with another is lost.
TEST_P(LockSmoke, FourWorkersCount_NoUpdateIsLost) {
  const TempDir dir;
  const std::filesystem::path file = dir.write("counter", "0\n");
  const std::string work = "read n < " + file.string() + "; pause=$(:); echo $((n + 1)) > " + file.string();
  const std::string loop =
      "for i in 1 2 3 4 5; do \"$0\" --dir \"$1\" lock run job --wait 1m -- sh -c \"$2\" || exit 1; done";
  std::vector<std::unique_ptr<Process>> workers;
  for (int i = 0; i < 4; ++i) {
    workers.push_back(
        std::make_unique<Process>(std::vector<std::string>{"sh", "-c", loop, JETONCTL, host.runtime_dir(), work}));
  }
  for (const auto& worker : workers) EXPECT_EQ(worker->wait(), 0) << worker->err();
  EXPECT_EQ(read_file(file), "20\n");
}

INSTANTIATE_TEST_SUITE_P(On, LockSmoke, testing::Values("local", "redis", "redlock"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace jeton::test
