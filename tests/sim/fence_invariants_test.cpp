// The invariant of fences bites, and is silent where its promise is suspended.
#include "tests/sim/fence_invariants.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/invariant_fixture.hpp"

namespace jeton::sim {
namespace {

using std::chrono::seconds;

constexpr auto fence_key = "jeton:{api}:fence";

// The tests make up the calls, the fences in the servers and what a host shows.
class FencesOfFetches : public InvariantFixture {
 protected:
  explicit FencesOfFetches(Plan p = calm_plan()) : InvariantFixture(std::move(p)) {}

  void draw(std::uint64_t fence, std::size_t server = 0) {
    fleet.server(server).cli({"SET", fence_key, std::to_string(fence)});
  }
  test::ProviderCall begin() {
    test::ProviderCall call;
    call.host = host_name(0);
    call.asked_at = world.now();
    fences.heard(call);
    return call;
  }
  void end(test::ProviderCall call) {
    call.ended_at = world.now();
    call.outcome = test::Answer::Kind::token;
    call.value = "token-1";
    fences.heard(call);
  }
  void show(agent::Generation generation) {
    agent::Record record;
    record.generation = generation;
    record.value = agent::SecretString("token-1");
    fleet.segments[1].record = record;
    fences.published(1);
  }

  FenceInvariants fences{world};
};

TEST_F(FencesOfFetches, GenerationIsTheFence_IsWell) {
  draw(7);
  end(begin());
  draw(8);  // of a later lease
  show(7);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(FencesOfFetches, NewerLeaseWasThereWhenItWasFetched_IsSeen) {
  draw(8);
  end(begin());
  show(7);
  EXPECT_EQ(broken(), Invariant::highest_fence);
}

TEST_F(FencesOfFetches, GenerationWasNoFence_IsSeen) {
  draw(7);
  end(begin());
  show(9);
  EXPECT_EQ(broken(), Invariant::highest_fence);
}

TEST_F(FencesOfFetches, StoreMayHaveLostAHigherFence_IsWell) {
  plan.faults.push_back({.at = plan.length, .kind = FaultKind::key_evicted});
  draw(7);
  end(begin());
  show(9);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(FencesOfFetches, HostWasPausedBeforeItsCall_IsWell) {
  world.disturbances.begin({.kind = FaultKind::pause}, world.now());
  draw(8);
  end(begin());
  show(7);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(FencesOfFetches, HostWasAwayAndNotPaused_IsSeen) {
  world.disturbances.begin({.kind = FaultKind::host_partition}, world.now());
  draw(8);
  end(begin());
  show(7);
  EXPECT_EQ(broken(), Invariant::highest_fence);
}

TEST_F(FencesOfFetches, SameTokenIsGivenAgain_FirstGenerationIsWell) {
  draw(7);
  end(begin());
  fleet.pass(seconds(20));
  draw(8);
  end(begin());
  show(7);
  EXPECT_EQ(broken(), std::nullopt);
}

class FencesOfAQuorum : public FencesOfFetches {
 protected:
  FencesOfAQuorum() : FencesOfFetches(calm_plan(Backend::redlock)) {}
};

TEST_F(FencesOfAQuorum, MinorityHasAHigherOne_IsWell) {
  draw(7, 0);
  draw(9, 1);
  draw(7, 2);
  end(begin());
  show(7);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(FencesOfAQuorum, MajorityHasAHigherOne_IsSeen) {
  draw(7, 0);
  draw(8, 1);
  draw(9, 2);
  end(begin());
  show(7);
  EXPECT_EQ(broken(), Invariant::highest_fence);
}

TEST_F(FencesOfAQuorum, FenceIsOnNoMajority_IsSeen) {
  draw(6, 0);
  draw(6, 1);
  draw(7, 2);
  end(begin());
  show(7);
  EXPECT_EQ(broken(), Invariant::highest_fence);
}

class FencesOfOneHost : public FencesOfFetches {
 protected:
  FencesOfOneHost() : FencesOfFetches(calm_plan(Backend::local)) {}
};

TEST_F(FencesOfOneHost, LaterTokenHasNoHigherGeneration_IsSeen) {
  fleet.segments[0].record.emplace().generation = 7;
  end(begin());
  show(7);
  EXPECT_EQ(broken(), Invariant::highest_fence);
}

}  // namespace
}  // namespace jeton::sim
