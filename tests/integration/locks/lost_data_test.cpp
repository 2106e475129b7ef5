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
    servers.cli_of_majority(command);
    expect_loss_of(*job);
    EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
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
