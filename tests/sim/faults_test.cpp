// Faults do what their names say: what each changes is seen while it lasts, and no more afterwards.
#include "tests/sim/faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/calm_plan.hpp"

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SimFault : public testing::Test {
 protected:
  explicit SimFault(std::size_t servers = 1, bool rotates = false) {
    plan.servers = servers;
    if (servers == 0) plan.backend = Backend::local;
    test::FleetSettings settings{.agents = plan.hosts, .servers = servers};
    settings.refresh.min_interval = milliseconds(10);
    if (rotates) {
      agent::OAuth2SourceConfig source;
      source.grant = agent::OAuth2SourceConfig::Grant::refresh_token;
      settings.source = source;
    }
    fleet_.emplace(settings);
    world_.emplace(plan, *fleet_, nullptr);
    fleet_->provider.lifetime = plan.lifetime = std::chrono::minutes(10);
    fleet_->provider.rotates = rotates;
    fleet_->start_all();
    fleet_->pass(seconds(5));
  }
  void begin(FaultKind kind, std::uint64_t amount = 0) { begin_fault(*world_, of(kind, amount)); }
  void end(FaultKind kind, std::uint64_t amount = 0) { end_fault(*world_, of(kind, amount)); }
  // The first host has asked for a new token, and had time for it.
  void ask(agent::Duration time = seconds(2)) {
    fleet_->refresh(0).refresh_now();
    fleet_->pass(time);
  }
  [[nodiscard]] std::string shown(std::size_t host = 0) {
    return std::string(fleet_->segments[host].record->value.reveal());
  }
  // Of the first host's token, beyond what the provider said.
  [[nodiscard]] Duration extra_lifetime() {
    const agent::Record& record = *fleet_->segments[0].record;
    return record.expires_at - record.issued_at - plan.lifetime;
  }

  Plan plan = calm_plan();
  std::optional<test::VirtualFleet> fleet_;
  std::optional<World> world_;

 private:
  static Fault of(FaultKind kind, std::uint64_t amount) { return {.kind = kind, .amount = amount}; }
};

struct SimFaultOfLocal : SimFault {
  SimFaultOfLocal() : SimFault(0) {}
};
struct SimFaultOfState : SimFault {
  SimFaultOfState() : SimFault(1, true) {}
};

TEST_F(SimFault, OldTokenEndsAtOnce_ProviderRefusesIt) {
  ask();
  EXPECT_TRUE(fleet_->provider.accepts("token-1")) << "without the fault each lives on";
  begin(FaultKind::old_token_ends);
  ask();
  EXPECT_FALSE(fleet_->provider.accepts("token-1"));
  EXPECT_FALSE(fleet_->provider.accepts("token-2"));
  EXPECT_TRUE(fleet_->provider.accepts(shown()));
}

TEST_F(SimFault, RateIsLimited_CallsBeyondItFailUntilItIsOver) {
  begin(FaultKind::rate_limit, 4);  // one in a minute
  ask();
  EXPECT_EQ(shown(), "token-2");
  ask();
  ask();
  EXPECT_EQ(shown(), "token-2");
  EXPECT_THAT(fleet_->status(0).last_error, testing::HasSubstr("429"));
  end(FaultKind::rate_limit);
  ask();
  EXPECT_EQ(shown(), "token-3");
}

TEST_F(SimFault, AnswerIsHostile_OldTokenStaysAndTheReasonIsTold) {
  const char* const reasons[] = {"exceeds capacity", "is empty", "not allowed in a token", "more than ten years",
                                 "is negative"};
  for (std::uint64_t amount = 0; amount < std::size(reasons); ++amount) {
    begin(FaultKind::answer_hostile, amount);
    ask();
    EXPECT_EQ(shown(), "token-1");
    EXPECT_THAT(fleet_->status(0).last_error, testing::HasSubstr(reasons[amount]));
    end(FaultKind::answer_hostile);
  }
  ask();
  EXPECT_EQ(shown(), "token-2");
}

TEST_F(SimFault, AnswerNamesNineYears_TokenIsShownForLongerThanItIsAccepted) {
  begin(FaultKind::answer_hostile, 5);
  ask();
  EXPECT_GT(extra_lifetime(), std::chrono::hours(24 * 365 * 8));
  EXPECT_TRUE(fleet_->provider.accepts(shown()));
  fleet_->pass(plan.lifetime);
  EXPECT_FALSE(fleet_->provider.accepts(shown()));
}

TEST_F(SimFault, TokenIsReloaded_AnotherLoopGoesOnWithIt) {
  ask();
  ASSERT_GT(fleet_->status(0).lock_attempts, 0U);
  begin(FaultKind::reload);
  fleet_->pass(milliseconds(100));
  EXPECT_EQ(fleet_->status(0).lock_attempts, 0U);
  EXPECT_EQ(fleet_->runs_of(0), 1U);
  EXPECT_EQ(shown(), "token-2");
  ask();
  EXPECT_EQ(shown(), "token-3");
}

TEST_F(SimFault, ProviderDatesByAWrongClock_TokenIsShownForLonger) {
  EXPECT_EQ(extra_lifetime(), seconds(0));
  begin(FaultKind::provider_clock, 2);
  ask();
  EXPECT_GT(extra_lifetime(), seconds(29));
  end(FaultKind::provider_clock);
  ask();
  EXPECT_EQ(extra_lifetime(), seconds(0));
}

TEST_F(SimFault, ClocksDrift_WallClockIsSetRightAfterwards) {
  const agent::Clock& clock = fleet_->clock_of(0);
  begin(FaultKind::drift, 4);
  fleet_->pass(seconds(100));
  EXPECT_EQ(clock.boot_now() - world_->now(), milliseconds(500));
  EXPECT_EQ(clock.wall_now() - fleet_->loop.clock.wall_now(), milliseconds(500));
  end(FaultKind::drift);
  EXPECT_EQ(clock.boot_now() - world_->now(), milliseconds(500));
  EXPECT_EQ(clock.wall_now(), fleet_->loop.clock.wall_now());
}

TEST_F(SimFault, ServerDriftsTwice_ComesBack) {
  begin(FaultKind::server_drift, 4);
  fleet_->pass(seconds(20));
  end(FaultKind::server_drift);
  const auto error = fleet_->server().clock_error();
  EXPECT_EQ(error, milliseconds(-100));
  begin(FaultKind::server_drift, 4);
  fleet_->pass(seconds(20));
  end(FaultKind::server_drift);
  EXPECT_EQ(fleet_->server().clock_error(), milliseconds(0));
}

TEST_F(SimFault, ScriptsAreSlow_RefreshTakesTheTimeOfSeveral) {
  begin(FaultKind::slow_script, 1);
  ask(milliseconds(350));
  EXPECT_EQ(fleet_->provider.calls, 1U) << "it was admitted too early";
  fleet_->pass(seconds(3));
  EXPECT_EQ(shown(1), "token-2");
}

TEST_F(SimFault, LockOfApplicationsIsEvicted_IsGone) {
  for (const char* key : {"jeton:lock:{job}", "jeton:{api~revocation}:fence"}) fleet_->server().cli({"SET", key, "1"});
  begin(FaultKind::key_evicted, 5);
  begin(FaultKind::key_evicted, 10);
  EXPECT_THAT(fleet_->server().keys(), testing::Not(testing::Contains(testing::Key("jeton:lock:{job}"))));
  EXPECT_THAT(fleet_->server().keys(), testing::Not(testing::Contains(testing::Key("jeton:{api~revocation}:fence"))));
}

// As after SIGSTOP, and as after a suspension that the connections did not outlive.
TEST_F(SimFault, HostIsPaused_HearsAfterwardsWhatItsConnectionsKept) {
  for (const std::uint64_t amount : {0U, 2U}) {
    fleet_->refresh(1).refresh_now();
    fleet_->pass(seconds(2));
    const std::string before = shown();
    begin(FaultKind::pause, amount);
    fleet_->refresh(1).refresh_now();
    fleet_->pass(seconds(2));
    EXPECT_EQ(shown(), before);
    end(FaultKind::pause, amount);
    fleet_->pass(milliseconds(50));
    EXPECT_EQ(shown() == shown(1), amount == 0);
    EXPECT_TRUE(fleet_->until([&] { return shown() == shown(1); }, seconds(62))) << "a dead connection is noticed";
  }
}

TEST_F(SimFaultOfLocal, RunIsFull_NothingIsFetchedUntilItIsNot) {
  begin(FaultKind::run_full);
  const std::uint64_t calls = fleet_->provider.calls;
  ask(seconds(10));
  EXPECT_EQ(fleet_->provider.calls, calls);
  EXPECT_NE(fleet_->status(0).last_error, "");
  end(FaultKind::run_full);
  fleet_->pass(seconds(10));
  EXPECT_EQ(fleet_->provider.calls, calls + 1);
}

TEST_F(SimFaultOfState, DiskIsFull_StateIsThatOfBeforeAndTheTokenIsPublished) {
  const auto kept = [&] {
    agent::RecordFile file(fleet_->directory(0) / "state", "api", agent::FleetCodec{});
    return std::string(file.load()->state.reveal());
  };
  EXPECT_EQ(kept(), "state-1");
  begin(FaultKind::disk_full);
  ask();
  EXPECT_EQ(kept(), "state-1");
  EXPECT_EQ(shown(1), "token-2");
  end(FaultKind::disk_full);
  ask();
  EXPECT_EQ(kept(), "state-3");
}

}  // namespace
}  // namespace jeton::sim
