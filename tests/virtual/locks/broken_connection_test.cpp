// Servers that cannot be talked to: an error that is neither "busy" nor "lost", and nothing is left behind (lock
// scenarios 11, 23 and 24).
#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

class BrokenConnection : public FleetTest {
 protected:
  using Fault = LockFleet::Fault;

  // Of the agents' client, from now on, until it is called with "".
  void refuse_scripts(const std::string& error) {
    for (std::size_t i = 0; i < fleet.size(); ++i) {
      fleet[i].refuse("EVALSHA", error);
      fleet[i].refuse("EVAL", error);
    }
  }
};

TEST_P(BrokenConnection, TwiceInARow_IsNoLossAndThenTheExtensionSucceeds) {
  const auto lease = host.acquire({.ttl = 60s});
  ASSERT_TRUE(lease);
  fleet.set_fault(Fault::refused);
  for (int i = 0; i < 2; ++i) EXPECT_THROW(host.extend(lease->owner, 50s), agent::TransportError);
  fleet.set_fault(Fault::none);
  loop.pass(5s);
  EXPECT_TRUE(host.extend(lease->owner, 1h));
  EXPECT_EQ(fleet.value(), lease->owner);
  EXPECT_GT(fleet.pttl(), 3'590'000);
}

TEST_P(BrokenConnection, ForLessThanTheTimeToLive_RenewalsGoOnAndTheLockIsKept) {
  const Session one = host.take({.ttl = 6s});
  const std::string owner = lease_of(one).owner;
  for (const Fault fault : {Fault::refused, Fault::silent, Fault::deaf, Fault::reply_is_fatal}) {
    loop.pass(2s);
    const std::uint64_t before = one->renewals();
    fleet.set_fault(fault);
    loop.pass(2500ms);
    EXPECT_EQ(one->renewals(), before);
    fleet.set_fault(Fault::none);
    EXPECT_TRUE(loop.turn_until([&] { return one->renewals() > before; }, 3s));
  }
  EXPECT_EQ(one->state(), State::held) << one->reason();
  EXPECT_EQ(fleet.value(), owner);
}

TEST_P(BrokenConnection, ForEver_IsNeitherBusyNorLostWhileTheLeaseIsValid) {
  const Session one = host.take({.ttl = 60s});
  const std::string owner = lease_of(one).owner;
  for (const Fault fault : {Fault::refused, Fault::silent, Fault::no_connection}) {
    fleet.set_fault(fault);
    loop.pass(2s);
    EXPECT_THROW(host.extend(owner, 60s), agent::TransportError);
    EXPECT_THROW(host.release("nobody"), agent::TransportError);
    EXPECT_THROW(host.show(), agent::TransportError);
    EXPECT_EQ(host.take()->state(), State::failed);
    EXPECT_EQ(host.take({.name = "other", .wait = 200ms})->state(), State::failed);
    EXPECT_EQ(one->state(), State::held) << one->reason();
  }
  EXPECT_EQ(fleet.value(), owner);
  EXPECT_TRUE(loop.turn_until([&] { return one->state() == State::lost; }, 1min)) << "the lease ended";
}

TEST_P(BrokenConnection, AnswerIsLostAfterTheLockWasTaken_IsAnErrorAndCleanedUp) {
  free_again(host);  // the servers know the scripts from here on
  for (const Fault fault : {Fault::deaf, Fault::reply_is_fatal}) {
    const auto before = fleet.counters();
    fleet.set_fault(fault);
    EXPECT_THROW(host.acquire({.ttl = 1h}), agent::TransportError);
    EXPECT_NE(fleet.counters(), before) << "it was not taken: nothing is shown";
    fleet.set_fault(Fault::none);
    EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }, 10s)) << "long before its TTL";
    free_again(host);
  }
}

TEST_P(BrokenConnection, ScriptsForgottenBeforeEveryStep_DoesNoHarm) {
  const auto forget = [&] { fleet.cli({"SCRIPT", "FLUSH"}); };
  forget();
  const Session one = host.take({.ttl = 60s});
  ASSERT_EQ(one->state(), State::held) << one->reason();
  forget();
  EXPECT_TRUE(host.extend(lease_of(one).owner, 3s));
  forget();
  const std::uint64_t before = one->renewals();
  EXPECT_TRUE(loop.turn_until([&] { return one->renewals() > before; }, 3s));
  forget();
  EXPECT_TRUE(host.show().held);
  forget();
  EXPECT_EQ(host.take()->state(), State::busy);
  forget();
  EXPECT_EQ(host.end(one), State::ended);
  EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }, LockFleet::timeout));
}

TEST_P(BrokenConnection, ScriptsForgottenAtOnce_IsAnErrorAfterOneReload) {
  refuse_scripts("NOSCRIPT No matching script. Please use EVAL.");
  const std::uint64_t sent = fleet[0].commands("EVAL");
  const std::uint64_t named = fleet[0].commands("EVALSHA");
  try {
    static_cast<void>(host.acquire({.ttl = 2s}));
    ADD_FAILURE() << "no error";
  } catch (const agent::TransportError& e) {
    EXPECT_NE(std::string(e.what()).find("NOSCRIPT"), std::string::npos) << e.what();
  }
  // The acquisition, and perhaps already the release of the lock that it may have taken: each is sent once more at
  // most.
  EXPECT_GT(fleet[0].commands("EVAL"), sent);
  EXPECT_LE(fleet[0].commands("EVAL") - sent, fleet[0].commands("EVALSHA") - named);
  refuse_scripts("");
  loop.pass(5s);
  free_again(host);
}

INSTANTIATE_TEST_SUITE_P(On, BrokenConnection, testing::Values("redis", "redlock"), backend_name);

}  // namespace
}  // namespace jeton::test
