// Whom to believe of sentinels that disagree.
#include "agent/fleet/redis/client/sentinel_votes.hpp"

#include <gtest/gtest.h>

namespace jeton::agent::redis {
namespace {

SentinelAnswer names(const std::string& host, std::optional<std::uint64_t> epoch) {
  SentinelAnswer answer;
  answer.primary.host = host;
  answer.epoch = epoch;
  return answer;
}

// The host that is believed after these answers, in this order; empty: none.
std::string believed(const std::optional<SentinelAnswer>& known, const std::vector<SentinelAnswer>& answers) {
  SentinelVotes votes(known, 3);
  for (const SentinelAnswer& answer : answers) {
    if (votes.decides(answer)) return answer.primary.host;
  }
  const auto result = votes.result();
  return result ? result->primary.host : "";
}

TEST(SentinelVotes, NothingIsKnown_TheFirstIsBelieved) {
  EXPECT_EQ(believed(std::nullopt, {names("a", 0)}), "a");
  EXPECT_EQ(believed(std::nullopt, {names("a", std::nullopt)}), "a");
}

TEST(SentinelVotes, FailoverOrTheKnownPrimary_CountsAtOnce) {
  EXPECT_EQ(believed(names("a", 3), {names("b", 4), names("a", 3)}), "b");
  EXPECT_EQ(believed(names("a", 3), {names("a", 3), names("b", 3), names("b", 3)}), "a");
}

TEST(SentinelVotes, BehindAFailover_CountsIfMostAre) {
  EXPECT_EQ(believed(names("b", 4), {names("a", 3)}), "");
  EXPECT_EQ(believed(names("b", 4), {names("a", 3), names("b", 4)}), "b");
  EXPECT_EQ(believed(names("b", 4), {names("a", 0), names("c", 1)}), "c");
}

TEST(SentinelVotes, AnotherPrimaryWithoutAFailover_CountsIfMoreSaySo) {
  EXPECT_EQ(believed(names("a", 0), {names("b", 0), names("a", 0)}), "a") << "as many";
  EXPECT_EQ(believed(names("a", 0), {names("b", 0), names("a", 0), names("b", 0)}), "b");
  EXPECT_EQ(believed(names("a", 0), {names("b", 0)}), "b") << "the others do not answer";
}

TEST(SentinelVotes, EpochIsNotTold_TheAnswerCounts) {
  EXPECT_EQ(believed(names("a", std::nullopt), {names("b", std::nullopt)}), "b");
  EXPECT_EQ(believed(names("a", 2), {names("b", std::nullopt), names("a", 2)}), "a") << "others tell of a failover";
}

}  // namespace
}  // namespace jeton::agent::redis
