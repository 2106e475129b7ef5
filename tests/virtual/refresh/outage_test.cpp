// A fleet whose Redis is gone, comes back, or has forgotten everything.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using agent::TokenState;
using agent::TokenStatus;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* budget_key = "jeton:{api}:budget";

TEST(RedisOutage, LastsIntoTheGracePeriod_FetchesNothingUntilItEndsAndThenOnce) {
  for (const std::size_t servers : {1U, 5U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet({.agents = 10, .servers = servers});
    fleet.start_all();
    fleet.pass(minutes(5));
    fleet.cut_off_all();
    fleet.pass(minutes(4));
    EXPECT_EQ(fleet.provider.calls, 1U);
    EXPECT_TRUE(fleet.all_valid());
    fleet.reconnect_all();
    fleet.pass(seconds(15));
    EXPECT_EQ(fleet.provider.calls, 2U);
    EXPECT_TRUE(fleet.all_hold(fleet.segments[0].generation()));
  }
}

TEST(RedisOutage, RestartWithoutData_GetsTheRecordBackWithoutAFetch) {
  for (const auto outage : {seconds(0), seconds(10), seconds(60)}) {
    SCOPED_TRACE(outage.count());
    VirtualFleet fleet({.agents = 10});
    fleet.start_all();
    fleet.pass(minutes(2));
    const auto before = fleet.stored_generation();
    fleet.server().kill();
    fleet.pass(outage);
    fleet.server().restart();
    // A server that was away for long is asked every two seconds at most.
    const auto limit = outage <= seconds(10) ? seconds(1) : seconds(3);
    EXPECT_TRUE(fleet.until([&] { return fleet.stored_generation() == before; }, limit));
    fleet.pass(seconds(5));
    EXPECT_EQ(fleet.provider.calls, 1U);
  }
}

TEST(RedisOutage, RecordIsDeletedOrFlushed_IsBackWithinASecond) {
  VirtualFleet fleet({.agents = 3});
  fleet.start_all();
  fleet.pass(seconds(3));
  const auto generation = fleet.stored_generation();
  // The second deletion follows the publication that mended the first. The connections stay open all the time.
  const std::vector<std::vector<std::string>> losses{
      {"DEL", "jeton:{api}:token"}, {"DEL", "jeton:{api}:token"}, {"FLUSHALL"}, {"FLUSHDB"}};
  for (const auto& loss : losses) {
    fleet.server().cli(loss);
    EXPECT_TRUE(fleet.until([&] { return fleet.stored_generation() == generation; }, seconds(1))) << loss.front();
  }
  EXPECT_EQ(fleet.provider.calls, 1U);
}

// As a Redis does whose maxmemory is used up by something else.
TEST(RedisOutage, EvictsEachRecordAtOnce_RepairsBecomeRare) {
  VirtualFleet fleet({.agents = 3});
  fleet.provider.lifetime = hours(24);
  fleet.start_all();
  fleet.pass(seconds(10));
  const auto is_there = [&] { return fleet.stored_generation() > 0; };
  const agent::BootTime end = fleet.loop.clock.boot_now() + minutes(10);
  int repairs = 0;
  while (fleet.loop.clock.boot_now() < end && fleet.until(is_there, minutes(1))) {
    fleet.server().cli({"DEL", token_key_of_api});
    ++repairs;
  }
  EXPECT_GT(repairs, 10);
  EXPECT_LT(repairs, 60);
  EXPECT_TRUE(fleet.until(is_there, minutes(1)));
  fleet.pass(minutes(1));
  fleet.server().cli({"DEL", token_key_of_api});
  EXPECT_TRUE(fleet.until(is_there, seconds(1))) << "it keeps its record again";
  EXPECT_EQ(fleet.provider.calls, 1U);
}

// A replica, by mistake. Its refusal of a repair ends the connection, and the next one is a reason to look again.
TEST(RedisOutage, ServerOfAQuorumTakesNoWritesAndLacksTheRecord_IsNotRepairedInALoop) {
  VirtualFleet fleet({.agents = 1, .servers = 3});
  fleet.provider.lifetime = hours(24);
  fleet.start_all();
  fleet.pass(minutes(1));
  MemoryServer& replica = fleet.server(2);
  replica.cli({"FLUSHALL"});
  for (const char* write : {"SET", "HSET", "DEL", "PEXPIRE", "PEXPIREAT"}) {
    replica.refuse(write, "READONLY You can't write against a read only replica.");
  }
  replica.cut();
  fleet.pass(minutes(1));
  const std::uint64_t before = fleet.server(0).commands();
  fleet.pass(minutes(10));
  EXPECT_LT(fleet.server(0).commands() - before, 10U * 60U);
  EXPECT_EQ(fleet.provider.calls, 1U);
}

// The counter was ahead (a server whose clock was), then lost while the token ran out: the next generation must still
// be higher.
TEST(RedisOutage, FenceIsBelowTheHeldGeneration_CostsOneFetchAndIsNoHotLoop) {
  VirtualFleet fleet({.agents = 5});
  fleet.server().cli({"SET", "jeton:{api}:fence", "4000000000000000"});
  fleet.start_all();
  fleet.pass(minutes(1));
  ASSERT_GT(fleet.stored_generation(), 4'000'000'000'000'000U);
  fleet.server().kill();
  fleet.pass(minutes(15));
  fleet.server().restart();
  fleet.pass(minutes(2));
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.went_back(), 0U);
}

TEST(RedisOutage, AgentStartsDuringIt_ServesItsSegmentAndSaysWhatIsWrong) {
  VirtualFleet fleet({.agents = 1});
  fleet.start(0);
  fleet.pass(seconds(5));
  fleet.stop(0);
  fleet.cut_off(0);
  fleet.start(0);
  fleet.pass(seconds(5));
  EXPECT_EQ(fleet.status(0).state, TokenState::valid);
  EXPECT_NE(fleet.status(0).last_error.find("redis://10.0.0."), std::string::npos) << fleet.status(0).last_error;
  EXPECT_EQ(fleet.provider.calls, 1U);
}

// The next refresh, which would end it, is hours away.
TEST(RedisOutage, AnswerToThePublicationIsLost_IsOverWhenRedisIsBack) {
  for (const std::size_t servers : {1U, 3U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet({.agents = 1, .servers = servers});
    fleet.provider.lifetime = hours(24);
    fleet.start(0);
    fleet.pass(seconds(5));
    const auto before = fleet.stored_generation();
    fleet.refresh(0).refresh_now();
    ASSERT_TRUE(fleet.until([&] { return fleet.provider.issued.size() == 2; }));
    for (std::size_t i = 0; i < servers; ++i) fleet.set_fault(i, MemoryNetwork::Fault::deaf);
    ASSERT_TRUE(fleet.until([&] { return fleet.stored_generation() > before; }, seconds(1)));
    fleet.pass(seconds(20));
    EXPECT_NE(fleet.status(0).last_error, "");
    fleet.reconnect_all();
    fleet.pass(minutes(1));
    EXPECT_EQ(fleet.status(0).last_error, "");
  }
}

TEST(RedisOutage, AdmissionIsRefusedAgainAndAgain_IsNoHotLoop) {
  VirtualFleet fleet({.agents = 1});
  fleet.server().cli({"SET", budget_key, "not ours"});
  fleet.start(0);
  fleet.pass(minutes(1));
  EXPECT_GE(fleet.lock_attempts(), 10U);
  EXPECT_LE(fleet.lock_attempts(), 120U);
  EXPECT_EQ(fleet.provider.calls, 0U);
  EXPECT_NE(fleet.status(0).last_error, "");
  fleet.server().cli({"DEL", budget_key});
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_valid());
}

TEST(RedisOutage, LockKeyIsOfAnotherType_IsNoHotLoop) {
  VirtualFleet fleet({.agents = 1});
  fleet.server().cli({"HSET", "jeton:{api}:updater", "not", "ours"});
  fleet.start(0);
  fleet.pass(minutes(1));
  EXPECT_LE(fleet.lock_attempts(), 120U);
  EXPECT_LE(fleet.server().commands("EVALSHA"), 5 * 120U) << "for each an attempt and the types of four keys";
  EXPECT_EQ(fleet.provider.calls, 0U);
  fleet.server().cli({"DEL", "jeton:{api}:updater"});
  fleet.pass(seconds(20));
  EXPECT_TRUE(fleet.all_valid());
}

void reload_in_an_outage(VirtualFleet& fleet) {
  fleet.pass(seconds(5));
  fleet.server().kill();
  fleet.pass(seconds(10));
  fleet.reload(0);
  fleet.pass(seconds(10));
  fleet.server().restart();
}

// The only host that knows the count; another Redis takes over meanwhile, say.
TEST(ReloadInAnOutage, RedisComesBackEmpty_BudgetIsNotRefilled) {
  VirtualFleet fleet({.agents = 1,
                      .refresh = {.grace = {}, .spread = {}, .min_interval = milliseconds(10)},
                      .budget = {.calls = 2, .per = hours(24)}});
  fleet.provider.lifetime = hours(48);
  fleet.start(0);
  fleet.pass(seconds(5));
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  reload_in_an_outage(fleet);
  fleet.pass(minutes(1));
  fleet.refresh(0).refresh_now();
  fleet.pass(minutes(10));
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_EQ(fleet.server().cli({"HGET", budget_key, "calls"}), "2");
}

TEST(ReloadInAnOutage, RedisComesBackEmpty_PauseIsObeyed) {
  VirtualFleet fleet({.agents = 1, .budget = {.calls = 10, .per = hours(24)}});
  fleet.provider.behave(Answer::failure(minutes(30)), 1);
  fleet.start(0);
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 1; }));
  reload_in_an_outage(fleet);
  fleet.pass(minutes(25));
  EXPECT_EQ(fleet.provider.calls, 1U);
  fleet.pass(minutes(6));
  EXPECT_TRUE(fleet.all_valid());
}

TEST(ReloadInAnOutage, PauseCouldNotBeShared_IsObeyed) {
  VirtualFleet fleet({.agents = 1});
  fleet.provider.lifetime = hours(48);
  fleet.start(0);
  fleet.pass(seconds(5));
  fleet.provider.behave(Answer::failure(minutes(30)), 1);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  fleet.cut_off_all();
  fleet.pass(seconds(10));
  fleet.reload(0);
  fleet.pass(seconds(10));
  fleet.reconnect_all();
  fleet.pass(minutes(25));
  EXPECT_EQ(fleet.provider.calls, 2U);
  fleet.pass(minutes(6));
  EXPECT_EQ(fleet.provider.calls, 3U) << "the operator still waits for it";
}

// An operator's request ends the pauses of before it only.
TEST(ReloadInAPause, OperatorHadAskedBeforeIt_IsObeyed) {
  VirtualFleet fleet({.agents = 2});
  fleet.provider.lifetime = hours(48);
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.provider.behave(Answer::failure(minutes(30)), 1);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  fleet.pass(seconds(10));
  fleet.reload(0);
  fleet.pass(minutes(25));
  EXPECT_EQ(fleet.provider.calls, 2U);
  fleet.pass(minutes(6));
  EXPECT_EQ(fleet.provider.calls, 3U);
}

TEST(ReloadInAnOutage, OperatorHadAskedInAPause_EndsThePauseWhenRedisIsBack) {
  VirtualFleet fleet({.agents = 1});
  fleet.provider.lifetime = hours(48);
  fleet.start(0);
  fleet.pass(seconds(5));
  fleet.provider.behave(Answer::failure(minutes(30)), 1);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  fleet.pass(seconds(10));
  fleet.cut_off_all();
  fleet.pass(seconds(10));
  fleet.refresh(0).refresh_now();
  fleet.pass(seconds(10));
  fleet.reload(0);
  fleet.pass(seconds(10));
  fleet.reconnect_all();
  EXPECT_TRUE(fleet.until([&] { return fleet.provider.calls == 3; }, seconds(30)));
}

// What several servers lose, and how.
struct Loss {
  const char* name;
  std::size_t of;
  std::vector<std::size_t> servers;
  bool restart;  // without data; otherwise FLUSHALL

  void happen(VirtualFleet& fleet) const {
    for (const std::size_t i : servers) {
      if (restart) {
        fleet.server(i).restart();
      } else {
        fleet.server(i).cli({"FLUSHALL"});
      }
    }
  }
};

struct DataLoss : testing::TestWithParam<Loss> {};

INSTANTIATE_TEST_SUITE_P(All, DataLoss,
                         testing::Values(Loss{"redis_flushed", 1, {0}, false}, Loss{"redis_restarted", 1, {0}, true},
                                         Loss{"one_flushed", 3, {1}, false}, Loss{"majority_flushed", 3, {0, 2}, false},
                                         Loss{"all_flushed", 3, {0, 1, 2}, false}, Loss{"one_restarted", 3, {1}, true},
                                         Loss{"majority_restarted", 3, {0, 2}, true},
                                         Loss{"all_restarted", 3, {0, 1, 2}, true}),
                         [](const testing::TestParamInfo<Loss>& loss) { return std::string(loss.param.name); });

// Twice: a repair must not keep the next one from happening.
TEST_P(DataLoss, OfRecordAndBudget_IsMadeGoodFromTheHostsWithinASecondAndWithoutAFetch) {
  VirtualFleet fleet({.agents = 3, .servers = GetParam().of, .budget = {.calls = 10, .per = hours(1)}});
  fleet.start_all();
  fleet.pass(minutes(1));  // a host that missed the message about the first call has polled
  const auto generation = fleet.segments[0].generation();
  ASSERT_TRUE(fleet.all([](const TokenStatus& s) { return s.calls_used == 1; }));
  const auto whole = [&] {
    for (std::size_t i = 0; i < fleet.servers(); ++i) {
      if (fleet.stored_generation(i) != generation) return false;
      if (fleet.server(i).cli({"HGET", budget_key, "calls"}) != "1") return false;
    }
    return true;
  };
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    GetParam().happen(fleet);
    EXPECT_TRUE(fleet.until(whole, seconds(1)));
    fleet.pass(seconds(1));  // every host has ended its repair
  }
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_EQ(fleet.went_back(), 0U);
}

// The first loss falls into a fetch, which takes the lock with it. The second comes when the token has run out, and
// nothing but the count keeps the fleet from fetching.
TEST_P(DataLoss, OfASpentBudget_DoesNotRefillIt) {
  VirtualFleet fleet({.agents = 2, .servers = GetParam().of, .budget = {.calls = 3, .per = hours(24)}});
  fleet.start_all();
  const auto used = [&](std::uint64_t calls) {
    return fleet.until([&] { return fleet.all([&](const TokenStatus& s) { return s.calls_used == calls; }); },
                       hours(1));
  };
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, hours(1)));
  ASSERT_TRUE(used(2));
  ASSERT_EQ(fleet.provider.issued.size(), 1U) << "the fetch is over";
  GetParam().happen(fleet);
  ASSERT_TRUE(used(3));
  ASSERT_TRUE(fleet.until(
      [&] { return fleet.all([](const TokenStatus& s) { return s.state == TokenState::expired; }); }, hours(1)));
  GetParam().happen(fleet);
  fleet.pass(minutes(120));
  // After a loss on several servers the count may be one too high, and is never too low.
  EXPECT_LE(fleet.provider.calls, 3U);
  EXPECT_GE(fleet.provider.calls, GetParam().of == 1 ? 3U : 2U);
  EXPECT_TRUE(fleet.all([](const TokenStatus& s) { return s.pause_reason == "budget"; }));
}

// A server takes over that never heard of the count, as a replica that was behind does; the refresh is due at once.
TEST(DataLoss, FailoverToAnEmptyServerWhileARefreshIsWanted_KeepsTheBudget) {
  VirtualFleet fleet(
      {.agents = 2,
       .refresh = {.grace = {}, .spread = {}, .min_interval = milliseconds(10), .retry_initial = milliseconds(20)},
       .budget = {.calls = 2, .per = hours(1)}});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto first = fleet.stored_generation();
  fleet.refresh(0).rejected(first);
  ASSERT_TRUE(fleet.until([&] { return fleet.all_above(first); }));
  ASSERT_EQ(fleet.provider.calls, 2U);
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    fleet.refresh(0).rejected(fleet.segments[0].generation());
    if (round == 1) {
      fleet.server().cli({"FLUSHALL"});
    } else {
      fleet.server().restart();
    }
    EXPECT_TRUE(fleet.until([&] { return fleet.server().cli({"HGET", budget_key, "calls"}) == "2"; }, seconds(30)));
    fleet.pass(seconds(30));
  }
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST(RedlockOutage, OneServerKilledAndOneFrozen_CostsNoFetchAndNoToken) {
  VirtualFleet fleet({.agents = 3, .servers = 5});
  fleet.start_all();
  fleet.pass(seconds(5));
  EXPECT_EQ(fleet.provider.calls, 1U) << "a cold start is one fetch";
  fleet.server(1).kill();
  fleet.server(3).freeze();
  for (int i = 0; i < 40; ++i) {
    fleet.pass(minutes(1));
    EXPECT_TRUE(fleet.all_valid());
  }
  // A token is fetched every 7 min 50 s to 8 minutes.
  EXPECT_GE(fleet.provider.calls, 5U);
  EXPECT_LE(fleet.provider.calls, 6U);
  EXPECT_EQ(fleet.sum(&TokenStatus::publications), fleet.provider.issued.size());
  EXPECT_EQ(fleet.went_back(), 0U);
}

// They have one record, one plan and one clock; the generation of the record may be ahead of the clock.
TEST(FetchAlone, HostsFetchInTheSameMillisecond_TwoTokensHaveTwoGenerations) {
  for (const auto clock_error : {hours(0), hours(1)}) {
    SCOPED_TRACE(clock_error.count());
    VirtualFleet fleet({.agents = 4, .fetch_alone = minutes(1)});
    fleet.server().set_clock_error(clock_error);
    fleet.start_all();
    fleet.pass(seconds(5));
    fleet.server().kill();
    ASSERT_TRUE(fleet.until([&] { return fleet.provider.issued.size() == 5; }, minutes(10)));
    fleet.pass(seconds(1));
    std::set<agent::Generation> generations;
    for (const ModelSegment& segment : fleet.segments) generations.insert(segment.generation());
    EXPECT_EQ(generations.size(), 4U);
    fleet.server().restart();
    EXPECT_TRUE(fleet.until(
        [&] {
          return std::all_of(fleet.segments.begin(), fleet.segments.end(),
                             [&](const auto& s) { return s.record->value == fleet.segments[0].record->value; });
        },
        seconds(10)));
  }
}

TEST(FetchAlone, RedisIsGone_TokensStayValidAndTheFleetComesBackToOneView) {
  VirtualFleet fleet({.agents = 2, .fetch_alone = minutes(1)});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.stored_generation();
  fleet.server().kill();
  for (int i = 0; i < 12; ++i) {
    fleet.pass(minutes(1));
    EXPECT_TRUE(fleet.all_valid());
  }
  EXPECT_TRUE(fleet.all_above(before));
  EXPECT_EQ(fleet.provider.calls, 3U) << "one each";
  const auto highest = std::max(fleet.segments[0].generation(), fleet.segments[1].generation());
  fleet.server().restart();
  EXPECT_TRUE(fleet.until(
      [&] { return fleet.stored_generation() >= highest && fleet.all_hold(fleet.stored_generation()); }, seconds(10)));
  EXPECT_EQ(fleet.went_back(), 0U);
}

TEST(FetchAlone, ShareOfTheBudgetIsSpent_HoldsBackTheHostAndNotTheFleet) {
  VirtualFleet fleet({.agents = 1, .budget = {.calls = 100, .per = hours(24), .alone = 1}, .fetch_alone = minutes(1)});
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.server().kill();
  fleet.pass(minutes(30));
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_EQ(fleet.status(0).state, TokenState::expired);
  EXPECT_EQ(fleet.status(0).fetches, 2U);
  fleet.server().restart();
  fleet.pass(seconds(10));
  EXPECT_TRUE(fleet.all_valid()) << "the share of the outage must not hold back the fleet";
  EXPECT_EQ(fleet.provider.calls, 3U);
}

TEST(FetchAlone, IsNotConfigured_FetchesNothingWithoutTheCoordinator) {
  VirtualFleet fleet({.agents = 2});
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.server().kill();
  fleet.pass(minutes(60));
  EXPECT_TRUE(fleet.all([](const TokenStatus& s) { return s.state == TokenState::expired; }));
  EXPECT_EQ(fleet.provider.calls, 1U);
}

TEST(FetchAlone, TokenIsDueAndDoesNotRunOutYet_NoHostFetches) {
  VirtualFleet fleet({.agents = 2, .fetch_alone = minutes(1)});
  fleet.start_all();
  fleet.pass(seconds(5));
  const agent::WallTime end = fleet.segments[0].record->expires_at;
  fleet.server().kill();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls > 1; }, hours(1)));
  EXPECT_LE(end - fleet.loop.clock.wall_now(), minutes(1));
}

}  // namespace
}  // namespace jeton::test
