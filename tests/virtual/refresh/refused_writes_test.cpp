// A fleet that may fetch without its Redis, which is gone, or answers and takes no writes: no host is without a token.
#include <gtest/gtest.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* record_key = "jeton:{api}:token";
constexpr const char* no_right = "ERR The user executing the script can't run this command or subcommand";
const std::vector<std::string> writes{"SET", "HSET", "DEL", "PEXPIRE", "PEXPIREAT"};

struct Outage {
  const char* name;
  std::vector<std::string> commands;  // that are refused; empty: the server is killed
  std::string error{};

  void begin(VirtualFleet& fleet) const {
    if (commands.empty()) fleet.server().kill();
    for (const std::string& command : commands) fleet.server().refuse(command, error);
  }
  void end(VirtualFleet& fleet) const {
    if (commands.empty()) fleet.server().restart();
    for (const std::string& command : commands) fleet.server().refuse(command, "");
  }
};

void PrintTo(const Outage& outage, std::ostream* out) { *out << outage.name; }

// In the words of Redis 7. OOM is for commands that need memory; MISCONF is also the answer to PING.
std::vector<Outage> outages() {
  std::vector<std::string> misconf = writes;
  misconf.emplace_back("PING");
  return {
      {"killed", {}},
      {"oom", {"SET", "HSET"}, "OOM command not allowed when used memory > 'maxmemory'."},
      {"noreplicas", writes, "NOREPLICAS Not enough good replicas to write."},
      {"misconf", misconf, "MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk."},
      {"readonly", writes, "READONLY You can't write against a read only replica."},
      {"noperm_scripts", {"EVAL", "EVALSHA"}, "NOPERM User agent has no permissions to run the 'evalsha' command"},
      {"noperm_writes", writes, no_right},
      {"noperm_set", {"SET"}, no_right},
      {"noperm_hset", {"HSET"}, no_right},
      {"noperm_del", {"DEL"}, no_right},
      {"noperm_pexpire", {"PEXPIRE"}, no_right},
      {"noperm_pexpireat", {"PEXPIREAT"}, no_right},
      {"noperm_publish", {"PUBLISH"}, "ERR The user executing the script can't publish to the channel mentioned"}};
}

// When it begins: so long after the last fetch, or while the next one is made.
struct Moment {
  const char* name;
  std::optional<seconds> after;
  bool record_is_lost = false;

  void come(VirtualFleet& fleet) const {
    const auto calls = fleet.provider.calls;
    if (after) {
      fleet.pass(*after);
    } else {
      ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls > calls; }));
    }
    if (record_is_lost) fleet.server().cli({"DEL", record_key});
  }
};

class RefusedWrites : public testing::TestWithParam<Outage> {
 protected:
  static FleetSettings settings() { return {.agents = 2, .fetch_alone = seconds(30)}; }
};

TEST_P(RefusedWrites, BeginAtAnyMoment_NoHostIsWithoutAToken) {
  for (const Moment& moment : {Moment{"early", seconds(10)}, Moment{"due", seconds(90)},
                               Moment{"in_a_fetch", std::nullopt}, Moment{"record_is_lost", seconds(10), true}}) {
    SCOPED_TRACE(moment.name);
    VirtualFleet fleet(settings());
    fleet.provider.lifetime = minutes(2);  // refreshed 24 to 30 s before its end
    fleet.start_all();
    ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
    moment.come(fleet);
    const auto calls = fleet.provider.calls;
    GetParam().begin(fleet);
    EXPECT_FALSE(fleet.until([&] { return !fleet.all_valid(); }, minutes(4)));
    EXPECT_LE(fleet.provider.calls - calls, 2U * 4 * 60 / 90 + 2) << "each host once in the life of a token";
    GetParam().end(fleet);
    EXPECT_TRUE(fleet.until([&] { return fleet.stored_generation() > 0 && fleet.all_hold(fleet.stored_generation()); },
                            minutes(2)));
    EXPECT_FALSE(fleet.until([&] { return !fleet.all_valid(); }, minutes(3)));
    EXPECT_EQ(fleet.went_back(), 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, RefusedWrites, testing::ValuesIn(outages()),
                         [](const auto& outage) { return std::string(outage.param.name); });

// Redis answers PING with MISCONF, too. Nothing that a host needs to read the token is a write.
TEST(FullDisk, MakesMisconfTheAnswerToPing_NewHostReadsTheToken) {
  VirtualFleet fleet({.agents = 2});
  fleet.start(0);
  fleet.pass(seconds(5));
  for (const Outage& outage : outages()) {
    if (outage.name == std::string("misconf")) outage.begin(fleet);
  }
  fleet.start(1);
  EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }, seconds(2)));
  EXPECT_EQ(fleet.provider.calls, 1U);
  testing::internal::CaptureStderr();
  fleet.pass(minutes(2));  // with a PING every minute
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(log.find("out of reach"), std::string::npos) << log;
}

// What can be read says nothing about what can be written: the outage lasts from its beginning.
TEST(FetchAlone, HostWithoutATokenGivesItsCountBackInVain_FetchesWhenTheOutageIsOldEnough) {
  VirtualFleet fleet({.agents = 1, .budget = {.calls = 100, .per = hours(24), .alone = 5}, .fetch_alone = minutes(1)});
  fleet.provider.lifetime = minutes(2);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  fleet.provider.behave(Answer::failure());
  ASSERT_TRUE(fleet.until([&] { return !fleet.all_valid(); }, minutes(5)));
  for (const std::string& command : writes) {
    fleet.server().refuse(command, "NOREPLICAS Not enough good replicas to write.");
  }
  fleet.server().cli({"FLUSHALL"});
  ASSERT_TRUE(fleet.until([&] { return fleet.status(0).last_error.find("NOREPLICAS") != std::string::npos; }));
  fleet.provider.behave({});
  EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }, minutes(1) + seconds(15)));
}

// A writer that waits for its publication is no reason to have no token.
TEST(FetchAlone, TokenCannotBePublishedUntilItRunsOut_IsReplacedInTime) {
  VirtualFleet fleet({.agents = 1, .fetch_alone = seconds(5)});
  fleet.provider.lifetime = minutes(2);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  fleet.server().kill();
  EXPECT_FALSE(fleet.until([&] { return !fleet.all_valid(); }, minutes(10)));
}

// The lock of a host that can neither publish nor give it back outlasts the token of the others. (If nothing but DEL is
// refused, it is a lock like any other until it expires.)
TEST(FetchAlone, UpdaterIsStuckWithTheLock_OthersLookBeforeTheirTokenEnds) {
  for (const Outage& outage : outages()) {
    if (outage.name == std::string("noperm_del")) continue;
    SCOPED_TRACE(outage.name);
    VirtualFleet fleet({.agents = 3, .lock_ttl = agent::Milliseconds(minutes(1)), .fetch_alone = seconds(30)});
    fleet.provider.lifetime = minutes(1);
    fleet.start_all();
    ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
    ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
    outage.begin(fleet);
    EXPECT_FALSE(fleet.until([&] { return !fleet.all_valid(); }, minutes(3)));
  }
}

// Shorter than the pause between two attempts to reach the coordinator.
TEST(FetchAlone, IsAllowedForAMomentOnly_TheMomentIsMet) {
  VirtualFleet fleet({.agents = 2, .fetch_alone = std::chrono::milliseconds(400)});
  fleet.provider.lifetime = minutes(2);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  fleet.server().refuse("SET", "OOM command not allowed when used memory > 'maxmemory'.");
  EXPECT_FALSE(fleet.until([&] { return !fleet.all_valid(); }, minutes(10)));
}

TEST(FetchAlone, RepairIsRefusedAgainAndAgain_IsOneOutageInTheLog) {
  VirtualFleet fleet({.agents = 1, .fetch_alone = minutes(1)});
  fleet.start_all();
  fleet.pass(seconds(5));
  testing::internal::CaptureStderr();
  fleet.server().refuse("HSET", "OOM command not allowed when used memory > 'maxmemory'.");
  fleet.server().cli({"DEL", record_key});
  fleet.pass(minutes(5));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("cannot repair the data that the coordinator lost"), std::string::npos) << log;
  EXPECT_EQ(log.find("coordinator reached again"), std::string::npos) << log;
}

// The next host may fare better: it is told at once that the lock is free.
TEST(FetchAlone, OneHostCannotPublish_DoesNotKeepTheLock) {
  VirtualFleet fleet({.agents = 2});
  fleet.provider.lifetime = minutes(1);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  fleet.server().refuse("HSET", no_right);
  fleet.pass(seconds(6));
  EXPECT_EQ(fleet.server().cli({"EXISTS", "jeton:{api}:updater"}), "0");
  fleet.server().refuse("HSET", "");
  EXPECT_FALSE(fleet.until([&] { return !fleet.all_valid(); }, minutes(5)));
}

// A count without an end is refused as well, before it is counted: otherwise the next attempt is told to wait
// (min_interval), as if the coordinator were well.
TEST(FetchAlone, CountCannotBeGivenAnEnd_NoCallIsCountedThatIsNotMade) {
  VirtualFleet fleet({.agents = 2, .budget = {.calls = 100, .per = hours(24), .alone = 5}, .fetch_alone = seconds(30)});
  fleet.provider.lifetime = minutes(2);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  for (const char* command : {"PEXPIRE", "DEL"}) fleet.server().refuse(command, no_right);
  EXPECT_FALSE(fleet.until([&] { return !fleet.all_valid(); }, minutes(4)));
  EXPECT_EQ(fleet.server().cli({"HGET", "jeton:{api}:budget", "calls"}), "1");
}

TEST(RefusedCommand, OfTheEndOfACountOnOneServerOfAQuorum_CountsNoCallThatIsNotMade) {
  VirtualFleet fleet({.agents = 1, .servers = 3, .budget = {.calls = 100, .per = hours(24)}});
  fleet.start_all();
  fleet.server(0).refuse("PEXPIRE", no_right);
  fleet.server(1).kill();
  fleet.pass(minutes(1));
  EXPECT_EQ(fleet.provider.calls, 0U);
  EXPECT_EQ(fleet.server(0).cli({"EXISTS", "jeton:{api}:budget"}), "0");
}

// The record is not stored without an end, and it is told although the lock cannot be deleted.
TEST(RefusedCommand, OfAPublication_NothingIsStoredForEverAndEveryHostHearsOfWhatIsStored) {
  for (const char* command : {"PEXPIREAT", "DEL"}) {
    SCOPED_TRACE(command);
    VirtualFleet fleet({.agents = 2});
    fleet.server().refuse(command, no_right);
    fleet.start_all();
    fleet.pass(seconds(3));
    const bool stored = fleet.server().cli({"EXISTS", record_key}) == "1";
    EXPECT_EQ(stored, command == std::string("DEL"));
    EXPECT_EQ(fleet.all_valid(), stored);
    EXPECT_EQ(fleet.server().cli({"PTTL", record_key}).front() == '-', !stored);
  }
}

// A refused attempt changes nothing in Redis that would make every host look, and try again, at once.
TEST(RefusedCommand, OfARecord_IsTriedAgainBehindPauses) {
  VirtualFleet fleet({.agents = 3, .budget = {.calls = 100, .per = hours(24), .alone = 10}, .fetch_alone = minutes(1)});
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.server().refuse("HSET", no_right);
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls > 1; }, minutes(15)));
  fleet.pass(minutes(1));
  const std::uint64_t before = fleet.server().commands("EVALSHA");
  fleet.pass(minutes(1));
  EXPECT_LE(fleet.server().commands("EVALSHA") - before, 3U * 60U * 2U) << "two scripts a host and second";
}

// Nothing is known to have been lost when a coordinator that never had the token is given it.
TEST(RepairLog, CoordinatorNeverHadTheToken_SpeaksOfNoLoss) {
  VirtualFleet fleet({.agents = 2, .fetch_alone = minutes(1)});
  fleet.start_all();
  fleet.pass(seconds(5));
  for (const char* command : {"SET", "HSET"}) {
    fleet.server().refuse(command, "OOM command not allowed when used memory > 'maxmemory'.");
  }
  fleet.pass(minutes(10));
  testing::internal::CaptureStderr();
  for (const char* command : {"SET", "HSET"}) fleet.server().refuse(command, "");
  fleet.pass(minutes(1));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(log.find("had lost"), std::string::npos) << log;
  EXPECT_NE(log.find("did not have the token yet"), std::string::npos) << log;
}

// The first record may be heard while the answer of a look is on its way that did not find it yet.
TEST(RepairLog, ColdStartOfManyHosts_SpeaksOfNoLoss) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    testing::internal::CaptureStderr();
    {
      VirtualFleet fleet({.agents = 10, .seed = seed});
      fleet.network.set_latency(std::chrono::milliseconds(1), std::chrono::milliseconds(30));
      fleet.provider.answer_time = std::chrono::microseconds(100);
      fleet.start_all();
      fleet.pass(seconds(40));
    }
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_EQ(log.find("had lost"), std::string::npos) << log;
  }
}

TEST(RepairLog, RecordIsDeleted_SaysThatItWasLost) {
  VirtualFleet fleet({.agents = 3});
  fleet.start_all();
  fleet.pass(seconds(5));
  testing::internal::CaptureStderr();
  fleet.server().cli({"DEL", record_key});
  fleet.pass(seconds(5));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("had lost the token"), std::string::npos) << log;
  EXPECT_EQ(log.find("had lost the token"), log.rfind("had lost the token")) << "one host gave it back: " << log;
}

}  // namespace
}  // namespace jeton::test
