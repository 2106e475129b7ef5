#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/fleet/redis/server_check.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Level = Finding::Level;

constexpr const char* cache_endpoint = "redis://cache:6379/0";

// A server as it should be: in order of INFO, with the line ends of the protocol.
std::string info_with(const std::string& more = {}) {
  return "# Server\r\nredis_version:7.0.15\r\n" + more +
         "loading:0\r\nused_memory:1000000\r\nmaxmemory:100000000\r\nmaxmemory_policy:noeviction\r\n"
         "rdb_last_bgsave_status:ok\r\naof_enabled:1\r\naof_last_write_status:ok\r\n"
         "evicted_keys:0\r\nrole:master\r\nconnected_slaves:1\r\n";
}

// The first line of a name counts, so that a test puts its own before the good ones.
Findings judged(const std::string& more, const ServerTerms& terms = {}) {
  return judge_server(cache_endpoint, read_server_facts(info_with(more)), terms);
}

// The findings that are not ok.
Findings troubles(const std::string& more, const ServerTerms& terms = {}) {
  Findings found = judged(more, terms);
  std::erase_if(found, [](const Finding& finding) { return finding.level == Level::ok; });
  return found;
}

TEST(ServerFacts, ServerIsGood_EveryFindingIsOk) {
  EXPECT_THAT(troubles(""), IsEmpty());
  const Findings found = judged("");
  EXPECT_EQ(found.at(0).subject, "redis redis://cache:6379/0");
  EXPECT_EQ(found.at(0).text, "Redis 7.0.15");
}

TEST(ServerFacts, ServerIsValkey_IsNamed) {
  EXPECT_EQ(read_server_facts("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n").software,
            "Valkey 8.1.1");
}

TEST(ServerFacts, ServerTellsNothing_NothingIsJudged) {
  EXPECT_THAT(judge_server(cache_endpoint, read_server_facts(""), {}), IsEmpty());
  EXPECT_THAT(judge_server(cache_endpoint, read_server_facts("no colon\n#x:y\n:\n\n"), {}), IsEmpty());
}

TEST(ServerFacts, ServerIsOld_IsAWarning) {
  const Findings found =
      judge_server(cache_endpoint, read_server_facts("redis_version:5.0.14\nrole:master\nconnected_slaves:1\n"), {});
  EXPECT_EQ(found.at(0).level, Level::warning);
}

TEST(ServerFacts, ServerEvictsKeys_IsAProblemWithTheCommand) {
  for (const char* policy : {"allkeys-lru", "volatile-ttl"}) {
    const Findings found = troubles(std::string("maxmemory_policy:") + policy + "\r\nevicted_keys:12\r\n");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].level, Level::problem);
    EXPECT_THAT(found[0].text, HasSubstr(policy));
    EXPECT_THAT(found[0].text, HasSubstr("12 keys were evicted"));
    EXPECT_EQ(found[0].remedy, "redis-cli -u redis://cache:6379/0 CONFIG SET maxmemory-policy noeviction");
  }
  EXPECT_THAT(troubles("maxmemory_policy:allkeys-lru\r\nmaxmemory:0\r\n"), IsEmpty()) << "without a limit";
}

TEST(ServerFacts, MemoryIsNearlyFull_IsAWarning) {
  EXPECT_EQ(troubles("used_memory:95000000\r\n").at(0).level, Level::warning);
  EXPECT_THAT(troubles("used_memory:80000000\r\n"), IsEmpty());
}

TEST(ServerFacts, PersistenceFails_IsAProblem) {
  EXPECT_THAT(troubles("rdb_last_bgsave_status:err\r\n").at(0).text, HasSubstr("snapshot failed"));
  const Findings append = troubles("aof_last_write_status:err\r\n");
  EXPECT_EQ(append.at(0).level, Level::problem);
  EXPECT_THAT(append[0].text, HasSubstr("append-only file failed"));
}

TEST(ServerFacts, ThereIsNoAppendOnlyFile_SaysWhatARestartLoses) {
  EXPECT_THAT(troubles("aof_enabled:0\r\n").at(0).text, HasSubstr("locks of applications"));
  EXPECT_THAT(troubles("aof_enabled:0\r\n", {.in_quorum = true}).at(0).text, HasSubstr("second owner"));
}

TEST(ServerFacts, ServerIsAReplica_IsAProblem) {
  EXPECT_THAT(troubles("role:slave\r\n").at(0).text, HasSubstr("is a replica"));
}

TEST(ServerFacts, ReplicasAreTooFew_DependsOnWhatTheAgentExpects) {
  EXPECT_THAT(troubles("connected_slaves:0\r\n"), IsEmpty());
  EXPECT_EQ(troubles("connected_slaves:0\r\n", {.follows = true}).at(0).level, Level::warning);
  const Findings found = troubles("connected_slaves:1\r\n", {.replicas_acked = 2});
  EXPECT_EQ(found.at(0).level, Level::problem);
  EXPECT_THAT(found[0].text, HasSubstr("replicas_acked is 2"));
}

TEST(ServerFacts, ServerLoads_IsAProblem) {
  EXPECT_THAT(troubles("loading:1\r\n").at(0).text, HasSubstr("loads its data"));
}

TEST(ServerFacts, ClockIsOff_LevelGrowsWithTheOffset) {
  EXPECT_EQ(judge_server_clock(cache_endpoint, -12ms).level, Level::ok);
  EXPECT_EQ(judge_server_clock(cache_endpoint, -12ms).text, "its clock is 12ms behind this host's");
  EXPECT_EQ(judge_server_clock(cache_endpoint, 3s).level, Level::warning);
  EXPECT_EQ(judge_server_clock(cache_endpoint, -2min).level, Level::problem);
}

TEST(ServerFacts, Endpoint_IsThatOfTheClientsCommand) {
  EXPECT_EQ(server_client("rediss://cache:6380/1 (primary of sentinels)"), "redis-cli -u rediss://cache:6380/1");
  EXPECT_EQ(server_client("unix:///run/redis.sock?db=0"), "redis-cli -s /run/redis.sock");
  EXPECT_EQ(server_client("cluster of 3 nodes via redis://a:7000"), "redis-cli");
}

}  // namespace
}  // namespace jeton::agent
