// A server that lacks, renames or refuses commands, as managed services do, and one that is no Redis server.
#include <gmock/gmock.h>

#include "agent/base/error.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class RestrictedServer : public testing::Test {
 protected:
  RedisOptions options() {
    RedisOptions options;
    options.connection = servers.connection(0, 500ms);
    return options;
  }
  std::string failure_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const TransportError& e) {
      return e.what();
    }
    ADD_FAILURE() << "no TransportError";
    return {};
  }

  test::VirtualLoop loop;
  test::MemoryServers servers{loop, 1};
  test::MemoryServer& server = servers[0];
};

TEST_F(RestrictedServer, RefusesWhatIsOptional_EverythingElseWorks) {
  for (const char* refusal :
       {"ERR unknown command 'x', with args beginning with: 'secret' ",
        "ERR unknown command `x`, with args beginning with: ", "ERR unsupported command",
        "ERR unknown subcommand 'SETNAME'. Try CLIENT HELP.",
        "NOPERM this user has no permissions to run the 'client|setname' command", "ERR not allowed", "NOPROTO",
        "MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk.", "odd"}) {
    SCOPED_TRACE(refusal);
    for (const char* command : {"CLIENT", "INFO", "PING", "HELLO"}) server.refuse(command, refusal);
    testing::internal::CaptureStderr();
    test::Host host(loop, options());
    test::Host other(loop, options());
    other.listen();
    Lease lease = host.call.acquire(1h);
    EXPECT_TRUE(host.call.renew(lease));
    EXPECT_TRUE(host.call.admit(lease, FetchLimits{0s, 5, 1h}).admitted());
    EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
    EXPECT_TRUE(other.call.load());
    EXPECT_TRUE(loop.turn_until([&] { return !other.listener.records.empty(); }));
    const int gaps = other.listener.gaps;
    loop.pass(5min);  // with a PING every minute
    EXPECT_EQ(other.listener.gaps, gaps) << "the subscription was ended";
    EXPECT_EQ(other.coordinator.health().last_error, "");
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                AllOf(Not(HasSubstr("out of reach")), Not(HasSubstr("secret"))));
    server.cli({"FLUSHALL"});
  }
}

TEST_F(RestrictedServer, RepeatsThePassword_ItIsNotShown) {
  server.refuse("AUTH", "WRONGPASS 'hunter2' is not the password of \x1b[1mjeton");
  RedisOptions with_password = options();
  with_password.connection.password = [] { return SecretString("hunter2"); };
  test::Host host(loop, with_password);
  EXPECT_THAT(failure_of([&] { host.call.load(); }), HasSubstr("WRONGPASS '***' is not the password of  [1mjeton; "));
  EXPECT_THAT(host.coordinator.health().last_error, Not(HasSubstr("hunter2")));
}

TEST_F(RestrictedServer, LacksACommandThatIsNeeded_NamesItAndTheRemedy) {
  for (const char* command : {"EVALSHA", "TIME"}) {
    server.refuse(command, std::string("ERR unknown command '") + command + "', with args beginning with: ");
    test::Host host(loop, options());
    EXPECT_THAT(failure_of([&] { host.call.try_acquire(1s); }), AllOf(HasSubstr(command), HasSubstr("rename-command")));
    EXPECT_THAT(host.coordinator.health().last_error, AllOf(HasSubstr(command), HasSubstr("rename-command")));
    server.refuse(command, "");
  }
  server.refuse("GET", "ERR Unknown Redis command called from script");
  test::Host host(loop, options());
  EXPECT_THAT(failure_of([&] { host.call.try_acquire(1s); }),
              AllOf(HasSubstr("PEXPIREAT"), HasSubstr("rename-command")));
}

TEST_F(RestrictedServer, LacksSubscriptions_IsNamedInTheLog) {
  server.refuse("SUBSCRIBE", "ERR unknown command 'SUBSCRIBE', with args beginning with: ");
  testing::internal::CaptureStderr();
  test::Host host(loop, options());
  host.coordinator.subscribe("t", &host.listener);
  loop.pass(5s);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), AllOf(HasSubstr("SUBSCRIBE"), HasSubstr("rename-command")));
}

// Grants of an older page: the channels of tokens and not those of locks.
TEST_F(RestrictedServer, RefusesTheChannelsOfLocks_TokensAreHeardAndItIsSaidOnce) {
  server.answer("SUBSCRIBE", [](const test::MemoryServer::Words& words) {
    return words.at(1).starts_with("jeton:lock:")
               ? test::MemoryServer::Reply::error("NOPERM No permissions to access a channel")
               : test::MemoryServer::Reply::nil();
  });
  testing::internal::CaptureStderr();
  Backends backends = make_redis_backends(loop.timers, loop.random, options());
  test::RecordingListener listener;
  backends.coordinator->subscribe("t", &listener);
  backends.coordinator->start();
  backends.locks->start();
  loop.pass(1s);
  ASSERT_EQ(listener.gaps, 1);
  for (int i = 0; i < 20; ++i) backends.locks->listen(LockId{"job-" + std::to_string(i)}, [] {});
  loop.pass(30s);
  EXPECT_EQ(listener.gaps, 1) << "the connection was ended";
  const AcquireResult taken = loop.run(backends.coordinator->try_acquire(std::string("t"), 1h));
  ASSERT_TRUE(taken.lease);
  loop.run(backends.coordinator->publish("t", make_record(loop, taken.lease->fence, "x"), *taken.lease));
  EXPECT_TRUE(loop.turn_until([&] { return !listener.records.empty(); }));
  const std::string log = testing::internal::GetCapturedStderr();
  const std::string said = "NOPERM";
  ASSERT_NE(log.find(said), std::string::npos) << log;
  EXPECT_EQ(log.find(said), log.rfind(said)) << log;
  EXPECT_THAT(log, AllOf(HasSubstr("jeton:lock:{job-"), HasSubstr("grant the ACL user")));
}

// The greeting does not find it out.
TEST_F(RestrictedServer, PasswordIsFoundMissingByACommand_TheNextConnectionReadsItAgain) {
  server.refuse("PING", "ERR unknown command 'PING', with args beginning with: ");
  server.refuse("TIME", "NOAUTH Authentication required.");
  auto connect = options();
  int read = 0;
  connect.connection.password = [&] {
    ++read;
    return SecretString();
  };
  test::Host host(loop, std::move(connect));
  EXPECT_THAT(failure_of([&] { host.call.try_acquire(1s); }), HasSubstr("coordination.redis.password"));
  const int before = read;
  EXPECT_TRUE(loop.turn_until([&] { return read > before; }));
}

// It says so to every command, and closes the connection.
TEST_F(RestrictedServer, IsInProtectedMode_IsNamed) {
  server.refuse("*", "DENIED Redis is running in protected mode because protected mode is enabled");
  test::Host host(loop, options());
  EXPECT_THAT(failure_of([&] { host.call.try_acquire(1s); }), HasSubstr("protected mode"));
  EXPECT_FALSE(host.coordinator.health().reachable);
}

TEST_F(RestrictedServer, IsASentinel_IsNamedWithTheSettingItBelongsTo) {
  server.set_mode("sentinel");
  testing::internal::CaptureStderr();
  test::Host host(loop, options());
  EXPECT_THAT(failure_of([&] { host.call.try_acquire(1s); }), HasSubstr("coordination.redis.sentinel.endpoints"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), AllOf(HasSubstr(" error "), HasSubstr("a Sentinel")));
}

TEST_F(RestrictedServer, FailsInEverNewWords_TheLogGetsAFewLines) {
  int refused = 0;
  server.answer("PING", [&](const test::MemoryServer::Words&) {
    return test::MemoryServer::Reply::error("LOADING " + std::to_string(++refused) + " keys are loaded");
  });
  testing::internal::CaptureStderr();
  test::Host host(loop, options());
  loop.pass(10min);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_GT(refused, 500);
  EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 60) << log;
  server.answer("PING", nullptr);
  loop.pass(5s);
  EXPECT_TRUE(host.call.try_acquire(1h).lease);
}

// A cluster of one node, or behind a proxy, works so; others answer MOVED, which is named at the token.
TEST_F(RestrictedServer, IsANodeOfACluster_IsSaidOnce) {
  server.set_mode("cluster");
  testing::internal::CaptureStderr();
  test::Host host(loop, options());
  EXPECT_TRUE(host.call.try_acquire(1h).lease);
  server.cut();
  loop.pass(5s);
  const std::string log = testing::internal::GetCapturedStderr();
  const std::string said = "name it in coordination.redis.cluster";
  EXPECT_NE(log.find(said), std::string::npos) << log;
  EXPECT_EQ(log.find(said), log.rfind(said)) << log;
}

}  // namespace
}  // namespace jeton::agent
