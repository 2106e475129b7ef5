// A lock whose key is gone or another's on a majority of the servers, while its holder works: known within a renewal,
// not made again, and no hindrance to the next (lock scenarios 17 and 18).
#include "tests/integration/locks/fleet_host.hpp"

namespace jeton::test {
namespace {

class LostData : public EachFleet {
 protected:
  void expect_loss_of(Process& job) {
    EXPECT_EQ(job.wait(), 123) << "told while it works: it would not end by itself";
    EXPECT_NE(job.err().find("is lost"), std::string::npos) << job.err();
  }
};

TEST_P(LostData, DeletedIsLostAndNotCreatedAgain) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"DEL", servers.key()}, {"FLUSHDB"}}) {
    SCOPED_TRACE(command.front());
    const auto job = hold("2s");
    const Json before = host().show("job");
    servers.cli_of_majority(command);
    expect_loss_of(*job);
    EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
    const Json after = host().acquire("job", "60s", {"--wait", "20s"});
    ASSERT_TRUE(after.is_object());
    EXPECT_GT(after["fence"], before["fence"]);
    EXPECT_EQ(host().release("job", after), 0);
    // The same host takes it again, and the new one is renewed.
    EXPECT_EQ(host().lock({"run", "job", "--ttl", "1s", "--wait", "20s", "--", "sleep", "2"}).status, 0);
  }
}

TEST_P(LostData, OverwrittenIsLostAndTheOtherKeepsIt) {
  const auto job = hold("2s");
  servers.cli_of_majority({"SET", servers.key(), "foreign", "PX", "3600000"});
  expect_loss_of(*job);
  EXPECT_TRUE(eventually([&] { return servers.count("foreign") == servers.majority() && servers.count("") < 2; }));
  EXPECT_GT(servers.pttl(), 3'000'000) << "neither extended nor shortened";
}

TEST_P(LostData, IsNotMadeGoodByAnExtension) {
  const Json lock = host().acquire("job", "60s", {"--wait", "20s"});
  ASSERT_TRUE(lock.is_object());
  servers.cli({"SET", servers.key(), "foreign", "PX", "60000"});
  EXPECT_EQ(host().extend("job", lock, "1h"), 5);
  EXPECT_EQ(servers.value(), "foreign");
  EXPECT_LE(servers.pttl(), 60'000);
  servers.cli({"DEL", servers.key()});
  EXPECT_EQ(host().extend("job", lock, "1h"), 5);
  EXPECT_EQ(host().release("job", lock), 5);
  EXPECT_TRUE(servers.nowhere());
}

TEST_P(LostData, OfServersThatRestartEmptyIsLostAndNotCreatedAgain) {
  const auto job = hold("4s");
  servers.kill_majority();
  servers.restart_majority();
  expect_loss_of(*job);
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
  EXPECT_TRUE(can_be_had(host()));
}

INSTANTIATE_TEST_SUITE_P(Each, LostData, every_fleet, backend_name);

}  // namespace
}  // namespace jeton::test
