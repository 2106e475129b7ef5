// A quorum in which one server is listed under two names: it has one vote.
#include <gmock/gmock.h>

#include "agent/base/error.hpp"
#include "tests/integration/backends/redlock_testing.hpp"
#include "tests/support/documented_user.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::RedlockHost;
using test::updater_key;

class RedlockVote : public test::Redlock {
 protected:
  [[nodiscard]] bool reaches(const RedlockHost& host, int count) {
    return loop.eventually(
        [&] { return host.coordinator.health().endpoint == "3 servers, " + std::to_string(count) + " reachable"; });
  }
};

TEST_F(RedlockVote, ServerHasTwoHostNames_CountsAsOneVote) {
  auto options = servers.options();
  options.servers.resize(3);
  for (const std::size_t i : {0U, 1U}) {
    options.servers[i].address = {};
    options.servers[i].address.host = i == 0 ? "127.0.0.1" : "localhost";
    options.servers[i].address.port = servers[0].port();
  }
  RedlockHost host(loop, options);
  // The first of its two names to be connected has the vote; the other one is refused later.
  ASSERT_TRUE(loop.turn_until([&] {
    return host.coordinator.health().last_error.find("coordination.redlock.endpoints") != std::string::npos;
  }));
  ASSERT_TRUE(reaches(host, 2));
  const BackendHealth health = host.coordinator.health();
  EXPECT_TRUE(health.reachable);
  const std::string port = std::to_string(servers[0].port());
  EXPECT_THAT(health.last_error, testing::HasSubstr("redis://127.0.0.1:" + port));
  EXPECT_THAT(health.last_error, testing::HasSubstr("redis://localhost:" + port));
  EXPECT_THAT(health.last_error, testing::HasSubstr("coordination.redlock.endpoints"));

  Lease lease = host.call.acquire_eventually(1h);
  EXPECT_EQ(servers[0].cli({"GET", updater_key}), lease.owner);
  EXPECT_EQ(servers[2].cli({"GET", updater_key}), lease.owner) << "a majority of three is two servers";
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_TRUE(host.call.publish(test::make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_NE(host.coordinator.health().last_error, "") << "forgotten after a call that went well";

  servers[2].kill();
  for (redis::ConnectOptions& server : options.servers) server.timeout = impatience;
  RedlockHost minority(loop, options);
  EXPECT_THROW(minority.call.try_acquire(1h), TransportError);
  EXPECT_THROW(static_cast<void>(minority.call.load()), TransportError);
  EXPECT_FALSE(minority.coordinator.health().reachable);
}

TEST_F(RedlockVote, UserHasTheDocumentedPermissionsAndInfo_EveryCallSucceeds) {
  RedlockOptions options = servers.options();
  for (std::size_t i = 0; i < servers.size(); ++i) {
    ASSERT_EQ(servers[i].cli(test::documented_user("hunter2", {"+info"})), "OK");
    options.servers[i].username = [] { return SecretString("agent"); };
    options.servers[i].password = [] { return SecretString("hunter2"); };
  }
  RedlockHost host(loop, options);
  host.warm_up();
  host.listen();
  Lease lease = hold_everywhere(host);
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_TRUE(host.call.admit(lease, FetchLimits{1s, 5, 1h}).admitted());
  EXPECT_TRUE(host.call.publish(test::make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(host.call.load());
  host.call.pause(60s, "x");
  loop.run(host.coordinator.resume("t", ResumeReason::operator_asked));
  for (std::size_t i = 0; i < servers.size(); ++i) {
    EXPECT_EQ(servers[i].cli({"ACL", "LOG"}), "") << "something was refused";
  }
}

}  // namespace
}  // namespace jeton::agent
