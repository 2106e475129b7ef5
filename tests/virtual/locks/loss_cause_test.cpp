// A lock that is lost says why: to its holder, and so to every client that shows the holder's reason.
#include <gmock/gmock.h>

#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class LossCause : public FleetTest {
 protected:
  // The reason of a lock that is held when `how` happens.
  std::string reason_of_loss(const std::function<void()>& how, Duration ttl = 3s) {
    const Session session = host.take({.ttl = ttl, .wait = 10s});
    EXPECT_EQ(session->state(), State::held) << session->reason();
    held = session;
    owner = lease_of(session).owner;
    loop.pass(std::min<Duration>(500ms, ttl / 6));
    how();
    EXPECT_TRUE(loop.turn_until([&] { return session->state() == State::lost; }, 2 * ttl));
    EXPECT_THAT(session->reason(), Not(HasSubstr(owner))) << "with it anybody could release the lock";
    return session->reason();
  }
  void refuse(const std::string& error) {
    for (std::size_t i = 0; i < fleet.size(); ++i) {
      for (const char* command : {"EVALSHA", "EVAL"}) fleet[i].refuse(command, error);
    }
  }
  Session held;
  std::string owner;
};

TEST_P(LossCause, Deleted_IsSaid) {
  EXPECT_THAT(reason_of_loss([&] { fleet.cli_of_majority({"DEL", LockFleet::key()}); }), HasSubstr("was deleted"));
}

TEST_P(LossCause, TakenByAnotherHost_ItsProcessIsNamed) {
  LockHost& other = fleet.add_host();
  Session next;
  const std::string reason = reason_of_loss([&] {
    fleet.cli_of_majority({"DEL", LockFleet::key()});
    next = other.take({.ttl = 1h});
    ASSERT_EQ(next->state(), State::held) << next->reason();
  });
  EXPECT_THAT(reason, HasSubstr("another owner has it now: host-2 uid 1 pid 1"));
  EXPECT_THAT(reason, Not(HasSubstr(lease_of(next).owner)));
  EXPECT_EQ(next->state(), State::held) << next->reason();
}

TEST_P(LossCause, TakenByAClientOfAnotherKind_TheBeginningOfItsOwnerIdIsShown) {
  const std::string reason = reason_of_loss([&] {
    fleet.cli_of_majority({"SET", LockFleet::key(), "foreign-owner-id", "PX", "3600000"});
  });
  EXPECT_THAT(reason, AllOf(HasSubstr("another owner has it now: foreign-..."), Not(HasSubstr("foreign-owner-id"))));
}

TEST_P(LossCause, ServersRefuseTheRenewal_TheirErrorIsNamed) {
  for (const char* code : {"NOPERM", "MISCONF", "BUSY", "OOM", "NOREPLICAS"}) {
    const std::string reason = reason_of_loss([&] {
      refuse(std::string(code) + " the server says so");
      loop.pass(1s);
      EXPECT_THAT(held->trouble(), HasSubstr(code)) << "the holder is told of it before the loss";
    });
    EXPECT_THAT(reason, AllOf(HasSubstr("could not be renewed in time"), HasSubstr(code))) << code;
    refuse("");
    loop.pass(10s);  // its TTL ends on the servers
  }
}

TEST_P(LossCause, ServersAreOutOfReach_TheyAreNamed) {
  using Fault = LockFleet::Fault;
  for (const Fault fault : {Fault::no_connection, Fault::refused, Fault::silent, Fault::held}) {
    const std::string reason = reason_of_loss([&] { fleet.set_fault(fault); });
    EXPECT_THAT(reason, AllOf(HasSubstr("could not be renewed in time"), HasSubstr("10.0.1.1")));
    fleet.set_fault(Fault::none);
    loop.pass(10s);
  }
}

// No renewal has failed yet: the first one is still under way.
TEST_P(LossCause, TimeToLiveIsShorterThanTheTimeout_AnswerThatIsMissingIsNamed) {
  const std::string reason = reason_of_loss([&] { fleet.set_fault(LockFleet::Fault::silent); }, 300ms);
  EXPECT_THAT(reason, AnyOf(HasSubstr("no answer for "), HasSubstr("no answer in time")));
  fleet.set_fault(LockFleet::Fault::none);
}

TEST_P(LossCause, HostWasSuspended_IsSaid) {
  EXPECT_THAT(reason_of_loss([&] { loop.virtual_clock().now += 1h; }), HasSubstr("was the host suspended"));
}

TEST_P(LossCause, ServersDoNotSayWhoHasIt_LossIsToldEvenSo) {
  const std::string reason = reason_of_loss([&] {
    for (std::size_t i = 0; i < fleet.size(); ++i) fleet[i].refuse("HMGET", "ERR no");
    fleet.cli_of_majority({"DEL", LockFleet::key()});
    fleet.cli_of_majority({"SET", LockFleet::key(), "foreign-owner-id", "PX", "3600000"});
  });
  EXPECT_THAT(reason, HasSubstr("taken by another owner"));
}

TEST_P(LossCause, FoundOnlyAtTheRelease_IsSaid) {
  const Session session = host.take({.ttl = 1h});
  loop.pass(500ms);
  fleet.cli({"DEL", LockFleet::key()});
  EXPECT_EQ(host.end(session), State::lost);
  EXPECT_THAT(session->reason(), AllOf(HasSubstr("the release found"), HasSubstr("was deleted")));
}

// The next agent says why it does not go on with a lock.
TEST_P(LossCause, AnotherHasItWhenTheClientResumes_IsNamed) {
  const Session former = host.take({.ttl = 1h});
  fleet.cli({"SET", LockFleet::key(), "foreign-owner-id", "PX", "3600000"});
  const Session next = fleet.add_host().resume(*former);
  EXPECT_EQ(next->state(), State::lost);
  EXPECT_THAT(next->reason(), HasSubstr("another owner has it now: foreign-..."));
}

INSTANTIATE_TEST_SUITE_P(On, LossCause, testing::Values("redis", "redlock"), backend_name);

class LossCauseOnOneServer : public LossCause {};

// The renewal is answered, and the question behind it is not: the holder hears of the loss long before the timeout.
TEST_P(LossCauseOnOneServer, QuestionWhoHasItIsNotAnswered_LossIsToldSoon) {
  agent::BootTime gone_at;
  const std::string reason = reason_of_loss([&] {
    fleet.cli({"DEL", LockFleet::key()});
    const std::uint64_t before = fleet[0].commands("EVALSHA");
    EXPECT_TRUE(loop.turn_until([&] { return fleet[0].commands("EVALSHA") > before; }, 2s));
    gone_at = loop.clock.boot_now();
    fleet.set_fault(LockFleet::Fault::held);
  });
  EXPECT_LT(loop.clock.boot_now() - gone_at, LockFleet::timeout / 2);
  EXPECT_THAT(reason, HasSubstr("taken by another owner"));
}

INSTANTIATE_TEST_SUITE_P(On, LossCauseOnOneServer, testing::Values("redis"), backend_name);

// Who is busy is told as well, on every backend.
class BusyLock : public FleetTest {};

TEST_P(BusyLock, HeldByAnother_ItsProcessAndItsAgeAreTold) {
  const Session holder = host.take({.ttl = 1h});
  loop.pass(1min);
  const Session tried = host.take();
  EXPECT_EQ(tried->state(), State::busy);
  EXPECT_EQ(tried->busy().note.by, (agent::LockHolder{"host-1", 1, 1}));
  EXPECT_EQ(std::chrono::round<std::chrono::seconds>(tried->busy().note.age.value()), 60s);
  const Session waiter = host.open({.wait = 1h});
  const Session behind = host.open({.wait = 1h});
  EXPECT_TRUE(loop.turn_until([&] { return waiter->state() == State::waiting && behind->state() == State::waiting; }));
  EXPECT_EQ(waiter->busy().note.by, (agent::LockHolder{"host-1", 1, 1}));
  EXPECT_EQ(behind->busy().note.by, (agent::LockHolder{"host-1", 1, 1}));
  EXPECT_EQ(std::chrono::round<std::chrono::seconds>(host.show().note.age.value()), 60s);
}

INSTANTIATE_TEST_SUITE_P(On, BusyLock, testing::Values("local", "redis", "redlock"), backend_name);

}  // namespace
}  // namespace jeton::test
