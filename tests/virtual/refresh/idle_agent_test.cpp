// An agent while nothing happens: what it costs Redis, and what it finds out all the same.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "agent/fleet/redis/redis_scripts.hpp"
#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t commands_allowed = 60;          // in an hour, on each connection
constexpr agent::Duration longest_check = seconds(37);  // 30 s, a fifth of it, and the repair

// By connection, those of its scripts too, as Redis counts them.
std::map<std::uint64_t, std::uint64_t> commands_on(const MemoryServer& server) {
  std::map<std::uint64_t, std::uint64_t> counts;
  for (const auto& [id, session] : server.sessions()) counts[id] = session->commands;
  return counts;
}

std::uint64_t looks_at(const MemoryServer& server) { return server.scripts(agent::redis_scripts::load().sha1()); }

// The token lasts for a day, and its fetch is over.
void come_to_rest(VirtualFleet& fleet) {
  fleet.provider.lifetime = hours(24);
  fleet.start_all();
  EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  fleet.pass(minutes(10));
}

void expect_lost_record_back(VirtualFleet& fleet, agent::Duration within) {
  const agent::Generation generation = fleet.stored_generation();
  fleet.server().cli({"DEL", token_key_of_api});
  EXPECT_TRUE(fleet.until([&] { return fleet.stored_generation() == generation; }, within));
  EXPECT_EQ(fleet.provider.calls, 1U);
}

TEST(IdleAgent, HasOneToken_SendsSixtyCommandsAnHourOnAConnectionAtMost) {
  for (const std::size_t servers : {1U, 3U}) {
    for (const std::uint64_t calls : {0U, 10U}) {
      SCOPED_TRACE(std::to_string(servers) + " servers, budget " + std::to_string(calls));
      VirtualFleet fleet({.agents = 1, .servers = servers, .budget = {.calls = calls, .per = hours(1)}});
      come_to_rest(fleet);
      std::vector<std::map<std::uint64_t, std::uint64_t>> before;
      for (std::size_t i = 0; i < servers; ++i) before.push_back(commands_on(fleet.server(i)));
      fleet.pass(hours(1));
      for (std::size_t i = 0; i < servers; ++i) {
        const auto after = commands_on(fleet.server(i));
        ASSERT_EQ(after.size(), 2U) << "one for commands and one for messages";
        for (const auto& [connection, count] : after) {
          ASSERT_TRUE(before[i].contains(connection)) << "it is a new one";
          EXPECT_LE(count - before[i][connection], commands_allowed);
          EXPECT_GT(count, before[i][connection]) << "it is never known to be alive";
        }
      }
    }
  }
}

TEST(IdleAgent, ServerReportsLosses_LooksEveryFiveMinutesAndAtOnceAfterALossOrAReconnect) {
  VirtualFleet fleet({.agents = 1});
  come_to_rest(fleet);
  std::uint64_t before = looks_at(fleet.server());
  fleet.pass(hours(1));
  EXPECT_GE(looks_at(fleet.server()) - before, 9U);
  EXPECT_LE(looks_at(fleet.server()) - before, 12U);
  expect_lost_record_back(fleet, seconds(1));
  before = looks_at(fleet.server());
  fleet.server().restart_with_data();
  EXPECT_TRUE(fleet.until([&] { return looks_at(fleet.server()) > before; }, seconds(2)));
}

TEST(IdleAgent, ServerDoesNotReportLosses_LooksEveryHalfMinuteAndFindsALoss) {
  VirtualFleet fleet({.agents = 1});
  fleet.server().refuse("CLIENT", "ERR unknown command 'CLIENT'");
  come_to_rest(fleet);
  const std::uint64_t before = looks_at(fleet.server());
  fleet.pass(hours(1));
  EXPECT_GE(looks_at(fleet.server()) - before, 99U);
  EXPECT_LE(looks_at(fleet.server()) - before, 120U);
  expect_lost_record_back(fleet, longest_check);
}

// A proxy. The first publication shows it.
TEST(IdleAgent, TrackingIsAcceptedAndNothingIsReported_LooksEveryHalfMinuteAndFindsALoss) {
  VirtualFleet fleet({.agents = 1});
  fleet.server().answer("CLIENT", [](const MemoryServer::Words& words) {
    return words.at(1) == "ID" ? MemoryServer::Reply::number(1) : MemoryServer::Reply::ok();
  });
  come_to_rest(fleet);
  expect_lost_record_back(fleet, longest_check);
}

// The server refuses each new connection for messages; that for commands lives on.
TEST(IdleAgent, MessagesCannotBeHeardAnyMore_LooksAgainWithinAMinute) {
  VirtualFleet fleet({.agents = 2});
  come_to_rest(fleet);
  fleet.server().refuse("SUBSCRIBE", "NOPERM this user has no permissions to access one of the channels");
  fleet.server().cli({"CLIENT", "KILL", "TYPE", "pubsub"});
  const std::uint64_t before = looks_at(fleet.server());
  EXPECT_TRUE(fleet.until([&] { return looks_at(fleet.server()) >= before + 2; }, longest_check + seconds(30)));
}

// A rotation costs no look: its record settles the claim.
TEST(IdleAgent, AnotherHostFetches_LooksNoMoreOftenForIt) {
  VirtualFleet fleet({.agents = 5});
  fleet.provider.lifetime = minutes(30);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  fleet.pass(minutes(1));
  const std::uint64_t before = looks_at(fleet.server());
  const std::uint64_t calls = fleet.provider.calls;
  fleet.pass(hours(2));
  EXPECT_GE(fleet.provider.calls - calls, 4U);
  EXPECT_LE(looks_at(fleet.server()) - before, 5U * 2U * 12U);
}

// systemd/README.md, "the way to Redis is gone": the first command of the refresh finds out. The others hear nothing of
// the new token, and are given it when they ask for the lock.
TEST(IdleAgent, ConnectionsDieWithoutAWordBeforeTheRefresh_EveryHostHasTheNewTokenInTime) {
  VirtualFleet fleet({.agents = 3});
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  fleet.pass(minutes(7) + seconds(45));  // it is refreshed after 7 min 50 s to 8 minutes
  ASSERT_EQ(fleet.provider.calls, 1U);
  const agent::Generation first = fleet.stored_generation();
  for (std::size_t i = 0; i < fleet.size(); ++i) fleet.lose_connections(i, false);
  EXPECT_TRUE(fleet.until([&] { return fleet.all_above(first); }, seconds(35)));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 2U);
}

}  // namespace
}  // namespace jeton::test
