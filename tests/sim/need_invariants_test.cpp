// Each invariant of calls that are not needed bites, and is silent where its promise is suspended.
#include "tests/sim/need_invariants.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/invariant_fixture.hpp"

namespace jeton::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// The tests report calls to the invariants that no host has made.
class NeedOfCalls : public InvariantFixture {
 protected:
  explicit NeedOfCalls(Plan p = calm_plan()) : InvariantFixture(std::move(p)) {}

  test::ProviderCall begin(std::size_t host) {
    test::ProviderCall call;
    call.host = host_name(host);
    call.asked_at = world.now();
    needs.heard(call);
    return call;
  }
  void issue(test::ProviderCall call) {
    call.ended_at = world.now();
    call.outcome = test::Answer::Kind::token;
    call.value = "token-1";
    call.valid_until = world.now() + plan.lifetime;
    needs.heard(call);
  }

  NeedInvariants needs{world};
};

TEST_F(NeedOfCalls, HostHasAValidToken_IsSeen) {
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  begin(0);
  EXPECT_EQ(broken(), Invariant::no_needless_fetch);
}

TEST_F(NeedOfCalls, StoreHasAValidToken_IsSeen) {
  fleet.start(1);
  ASSERT_TRUE(fleet.until([&] { return fleet.segments[1].record.has_value(); }));
  begin(0);
  EXPECT_EQ(broken(), Invariant::no_needless_fetch);
}

TEST_F(NeedOfCalls, StoreHasGotItMeanwhile_IsWell) {
  fleet.server().observe([this](const std::string& key) { needs.key_changed(0, key); });
  fleet.start(1);
  ASSERT_TRUE(fleet.until([&] { return fleet.segments[1].record.has_value(); }));
  test::ProviderCall call = begin(0);
  EXPECT_EQ(broken(), std::nullopt);
  call.ended_at = world.now();
  needs.heard(call);
  fleet.pass(seconds(1));
  begin(0);
  EXPECT_EQ(broken(), Invariant::no_needless_fetch);
}

TEST_F(NeedOfCalls, TokenIsDue_IsWell) {
  fleet.provider.lifetime = minutes(1);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  begin(0);
  EXPECT_EQ(broken(), std::nullopt);
}

// No host shows the token, and no single store can be asked for it.
class NeedOfAQuorum : public NeedOfCalls {
 protected:
  NeedOfAQuorum() : NeedOfCalls(calm_plan(Backend::redlock)) {}
};

TEST_F(NeedOfAQuorum, TokenWasFetchedByAnotherHost_IsSeen) {
  issue(begin(0));
  fleet.pass(seconds(2));
  begin(1);
  EXPECT_EQ(broken(), Invariant::one_fetch_a_lifetime);
}

TEST_F(NeedOfAQuorum, SecondHostCallsMeanwhile_IsSeen) {
  begin(0);
  fleet.pass(seconds(2));
  begin(1);
  EXPECT_EQ(broken(), Invariant::one_fetch_a_lifetime);
}

TEST_F(NeedOfAQuorum, FetchedTokenRunsOut_IsWell) {
  issue(begin(0));
  fleet.pass(plan.lifetime - seconds(12));
  begin(1);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(NeedOfAQuorum, ThereWasAFault_IsWell) {
  plan.faults.push_back({.at = plan.length, .kind = FaultKind::server_cut});
  issue(begin(0));
  fleet.pass(seconds(2));
  begin(1);
  EXPECT_EQ(broken(), std::nullopt);
}

class NeedOfHostsByThemselves : public NeedOfCalls {
 protected:
  NeedOfHostsByThemselves() : NeedOfCalls(calm_plan(Backend::local)) {}
};

TEST_F(NeedOfHostsByThemselves, EachFetchesOnce_IsWell) {
  issue(begin(0));
  issue(begin(1));
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(NeedOfHostsByThemselves, OneFetchesTwice_IsSeen) {
  issue(begin(0));
  issue(begin(0));
  EXPECT_EQ(broken(), Invariant::one_fetch_a_lifetime);
}

}  // namespace
}  // namespace jeton::sim
