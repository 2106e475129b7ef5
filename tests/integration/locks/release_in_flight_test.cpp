// What is on its way when a lock is given up: a renewal, the acquisition itself, the release (lock scenarios 15, 19).
#include <signal.h>

#include <thread>

#include "tests/integration/locks/fleet_host.hpp"

namespace jeton::test {
namespace {

class InFlight : public EachFleet {
 protected:
  // For two times to live, as the servers see it.
  void expect_free_and_left_alone(std::chrono::milliseconds ttl) const {
    EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
    const std::size_t before = renewals.count();
    const auto until = std::chrono::steady_clock::now() + 2 * ttl;
    while (std::chrono::steady_clock::now() < until) {
      EXPECT_TRUE(servers.nowhere());
      std::this_thread::sleep_for(ttl / 10);
    }
    EXPECT_EQ(renewals.count(), before);
  }

  RenewalWatch renewals{servers};
  TempDir dir;
};

TEST_P(InFlight, ARenewalAtTheReleaseLeavesNoKey) {
  const std::filesystem::path end = dir / "end";
  const auto job = host().start(
      {"run", "job", "--ttl", "3s", "--", "sh", "-c", "until test -e " + end.string() + "; do sleep 0.02; done"});
  ASSERT_TRUE(eventually([&] { return servers.count("") == 0 && renewals.count() >= servers.size(); }));
  const std::string owner = servers.value();
  servers.set(RedisProxy::Way::held);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    EXPECT_TRUE(eventually([&] { return servers.proxy(i).holds(owner); })) << "no renewal";
  }
  dir.write("end", "");
  EXPECT_TRUE(eventually([&] { return !job->running() || servers.proxy(0).holds("\"release\""); })) << "no release";
  servers.set(RedisProxy::Way::open);
  static_cast<void>(job->wait());
  expect_free_and_left_alone(std::chrono::seconds(3));
}

TEST_P(InFlight, AnAcquisitionWhoseClientIsKilledLeavesNoKey) {
  for (const std::string detached : {"yes", "no"}) {
    SCOPED_TRACE("detached: " + detached);
    const std::string counter = servers.cli_of(0, {"GET", servers.key() + ":fence"});
    servers.set(RedisProxy::Way::held);
    const auto client = detached == "yes" ? host().start({"acquire", "job", "--ttl", "1h"})
                                          : host().start({"run", "job", "--ttl", "1h", "--", "sleep", "1000"});
    for (std::size_t i = 0; i < servers.size(); ++i) {
      EXPECT_TRUE(eventually([&] { return servers.proxy(i).holds("3600000"); })) << "no acquisition";
    }
    client->kill();
    servers.set(RedisProxy::Way::open);
    EXPECT_TRUE(eventually([&] {
      return servers.cli_of(0, {"GET", servers.key() + ":fence"}) != counter;
    })) << "it was not taken: nothing is shown";
    expect_free_and_left_alone(std::chrono::seconds(1));
  }
}

// jetonctl ends with what the signal made of its command, though nobody answers; and the agent goes on trying.
TEST_P(InFlight, AReleaseThatIsNotAnsweredKeepsNobodyWaiting) {
  const auto job = hold("1h");
  servers.set(RedisProxy::Way::held);
  job->signal(SIGTERM);
  EXPECT_EQ(job->wait(), 128 + SIGTERM);
  EXPECT_NE(job->err().find("did not confirm the release"), std::string::npos) << job->err();
  EXPECT_EQ(servers.nowhere(), false);
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); })) << "long before its time to live";
}

INSTANTIATE_TEST_SUITE_P(Each, InFlight, every_fleet, backend_name);

}  // namespace
}  // namespace jeton::test
