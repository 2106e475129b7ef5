// What an agent tells an operator about its servers (`jetonctl doctor`).
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>

#include "tests/integration/backends/redis_fixture.hpp"
#include "tests/integration/backends/redlock_testing.hpp"
#include "tests/support/documented_user.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

class RedisExamine : public test::RedisCoordination {
 protected:
  static auto has(Finding::Level level, const std::string& text) {
    return Contains(AllOf(Field(&Finding::level, level), Field(&Finding::text, HasSubstr(text))));
  }
  RedisOptions as_user() const {
    auto options = test::redis_options(server);
    options.connection.username = [] { return SecretString("agent"); };
    options.connection.password = [] { return SecretString("hunter2"); };
    return options;
  }
  Findings examined(test::Host& host) {
    EXPECT_TRUE(connects(host));
    return loop.run(host.coordinator.examine());
  }
};

TEST_F(RedisExamine, ServerIsGood_ItsFindingsAreOkAndNothingIsWritten) {
  ASSERT_TRUE(connects(a));
  loop.run(a.coordinator.usage("t"));
  ASSERT_TRUE(loop.eventually([&] {
    const Findings found = examined(a);
    return std::any_of(found.begin(), found.end(),
                       [](const Finding& one) { return one.text.find("its clock is") != std::string::npos; });
  }));
  const Findings found = examined(a);
  EXPECT_THAT(found, has(Finding::Level::ok, "takes writes, and this agent's user has the rights"));
  EXPECT_THAT(found, has(Finding::Level::ok, "nothing is evicted"));
  EXPECT_THAT(found, has(Finding::Level::warning, "has no append-only file"));
  EXPECT_THAT(found, Each(Field(&Finding::level, ::testing::Ne(Finding::Level::problem))));
  EXPECT_THAT(found, Each(Field(&Finding::subject, HasSubstr(server.socket()))));
  EXPECT_EQ(server.cli({"DBSIZE"}), "0");
}

TEST_F(RedisExamine, UserIsTheDocumentedOne_OnlyInfoIsMissing) {
  ASSERT_EQ(server.cli(test::documented_user("hunter2")), "OK");
  test::Host host(loop, as_user());
  const Findings found = examined(host);
  EXPECT_THAT(found, has(Finding::Level::warning, "does not answer INFO"));
  EXPECT_THAT(found, has(Finding::Level::ok, "this agent's user has the rights"));
  EXPECT_THAT(found, Each(Field(&Finding::text, Not(HasSubstr("hunter2")))));
}

TEST_F(RedisExamine, RightsAreMissing_AreNamedForAclSetuser) {
  ASSERT_EQ(server.cli(test::documented_user("hunter2", {"+info", "-pexpire", "-evalsha"})), "OK");
  test::Host host(loop, as_user());
  const Findings found = examined(host);
  EXPECT_THAT(found, has(Finding::Level::problem, "lacks rights: +pexpire +evalsha"));
  EXPECT_THAT(found, Contains(Field(&Finding::remedy, HasSubstr("ACL SETUSER USER +pexpire +evalsha"))));
}

TEST_F(RedisExamine, UserIsForAnotherPrefix_PatternsAreNamed) {
  ASSERT_EQ(server.cli(test::documented_user("hunter2", {"+info"})), "OK");
  RedisOptions options = as_user();
  options.prefix = "my:app";
  test::Host host(loop, options);
  EXPECT_THAT(examined(host), Contains(Field(&Finding::remedy, HasSubstr("ACL SETUSER USER '~my:app:*' '&my:app:*'"))));
}

TEST_F(RedisExamine, KeyOfOtherClientsIsNotGranted_IsNamed) {
  ASSERT_EQ(server.cli(test::documented_user("hunter2", {"+info"})), "OK");
  test::Host host(loop, as_user());
  TokenTerms terms;
  terms.mirror_key = "shared:wechat";
  host.coordinator.configure("wechat", terms);
  EXPECT_THAT(examined(host), has(Finding::Level::problem, "may not use the key shared:wechat of token wechat"));
  host.coordinator.prune_except({"another"});
  EXPECT_THAT(examined(host), Each(Field(&Finding::text, Not(HasSubstr("shared:wechat"))))) << "a reload removed it";
}

TEST_F(RedisExamine, ServerIsFull_TakesNoWrites) {
  server.cli({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THAT(examined(a), has(Finding::Level::problem, "OOM"));
  server.cli({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  EXPECT_THAT(examined(a), has(Finding::Level::problem, "evicts keys"));
}

TEST_F(RedisExamine, ServerHangs_EndsWithAProblem) {
  test::Host host(loop, unanswered());
  ASSERT_TRUE(connects(host));
  server.signal(SIGSTOP);
  EXPECT_THAT(loop.run(host.coordinator.examine()), has(Finding::Level::problem, "does not answer"));
  server.signal(SIGCONT);
}

TEST_F(RedisExamine, ServerIsAway_IsAProblemWithTheReason) {
  auto options = unanswered();
  options.connection.address.path = "/nonexistent/redis.sock";
  test::Host host(loop, std::move(options));
  ASSERT_TRUE(
      loop.turn_until([&] { return host.coordinator.health().last_error.find("no such file") != std::string::npos; }));
  EXPECT_THAT(loop.run(host.coordinator.examine()), has(Finding::Level::problem, "no such file or directory"));
}

TEST_F(RedisExamine, OneServerOfAQuorumIsAway_IsAWarningAboutTheQuorum) {
  test::RedisServers servers(3);
  test::RedlockHost host(loop, servers.options(5s));
  host.warm_up(3);
  EXPECT_THAT(loop.run(host.coordinator.examine()), has(Finding::Level::ok, "3 of 3 servers are connected"));
  servers[1].kill();
  ASSERT_TRUE(loop.turn_until([&] { return host.coordinator.health().endpoint.ends_with(" 2 reachable"); }));
  EXPECT_THAT(loop.run(host.coordinator.examine()), has(Finding::Level::warning, "2 of 3 servers are connected"));
}

}  // namespace
}  // namespace jeton::agent
