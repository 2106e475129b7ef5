// A fleet that seals its records, around a Redis that another client can write to.
#include <gtest/gtest.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using agent::FleetCodec;
using agent::Seal;
using agent::SecretString;
using std::chrono::minutes;
using std::chrono::seconds;

FleetCodec sealed_by(std::vector<SecretString> keys) {
  return FleetCodec(std::make_shared<const Seal>(std::move(keys)));
}

constexpr seconds longest_poll{36};

struct SealedFleet : testing::Test {
  SealedFleet() {
    fleet.start_all();
    fleet.pass(seconds(5));
    first = fleet.stored_generation();
  }

  SecretString key = Seal::new_key();
  VirtualFleet fleet{{.agents = 2, .codec = sealed_by({key})}};
  agent::Generation first = 0;
};

TEST_F(SealedFleet, RecordIsPublished_ShowsNothingOfTheToken) {
  EXPECT_NE(fleet.stored("record").find("sealed"), std::string::npos);
  EXPECT_EQ(fleet.stored("record").find(fleet.provider.issued.front()), std::string::npos);
  EXPECT_TRUE(fleet.all_hold(first));
}

TEST_F(SealedFleet, RecordIsForged_IsRefusedAndSaidSo) {
  fleet.server().cli({"PUBLISH", "jeton:{api}:published",
                      R"({"type":"record","record":{"v":1,"generation":1999999999999999,"value":"forged",)"
                      R"("issued_at_ms":1,"expires_at_ms":4000000000000}})"});
  fleet.pass(seconds(1));
  EXPECT_TRUE(fleet.all([](const agent::TokenStatus& s) { return s.records_refused == 1; }));
  EXPECT_NE(fleet.status(0).last_error.find("not sealed"), std::string::npos) << fleet.status(0).last_error;
  EXPECT_TRUE(fleet.all_hold(first));
}

TEST_F(SealedFleet, RecordIsReplayed_IsNotTakenAndTheNewOneIsPutBack) {
  const std::string old_record = fleet.stored("record");
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_above(first); }));
  const auto newer = fleet.stored_generation();
  fleet.server().cli({"HSET", token_key_of_api, "generation", std::to_string(first), "record", old_record});
  EXPECT_TRUE(fleet.until([&] { return fleet.stored_generation() == newer; }, longest_poll));
  EXPECT_TRUE(fleet.all_hold(newer));
}

TEST_F(SealedFleet, RecordIsOverwrittenByGarbage_IsReplacedUnderItsGeneration) {
  fleet.server().cli({"HSET", token_key_of_api, "record", "garbage"});
  EXPECT_TRUE(fleet.until([&] { return fleet.stored("record").find("sealed") != std::string::npos; }, longest_poll));
  EXPECT_EQ(fleet.stored_generation(), first);
  EXPECT_EQ(fleet.provider.calls, 1U);
}

TEST_F(SealedFleet, KeysAreChangedInThreeSteps_NeedsNoFetch) {
  const SecretString fresh = Seal::new_key();
  const std::vector<std::vector<SecretString>> steps{{key, fresh}, {fresh, key}, {fresh}};
  for (const auto& keys : steps) {
    fleet.set_codec(sealed_by(keys));
    for (std::size_t i = 0; i < fleet.size(); ++i) {
      fleet.stop(i);
      fleet.start(i);
      fleet.pass(seconds(5));
    }
  }
  fleet.stop(0);
  fleet.segments[0] = {};  // a new host
  fleet.start(0);
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 1U) << "the record is still sealed with the key that was dropped";
}

// Each host takes the record of the others for garbage of the same generation, and puts its own in its place.
TEST(SealedByHalf, EachHalfReplacesTheRecordOfTheOther_NowAndThenOnly) {
  for (const std::size_t servers : {1U, 3U}) {
    VirtualFleet fleet{{.agents = 8, .servers = servers}};
    fleet.start_all();
    fleet.pass(seconds(5));
    fleet.set_codec(sealed_by({Seal::new_key()}));
    for (std::size_t i = 0; i < fleet.size() / 2; ++i) {
      fleet.stop(i);
      fleet.start(i);
    }
    fleet.pass(minutes(1));
    const auto before = fleet.server().commands();
    fleet.pass(minutes(5));
    EXPECT_LT(fleet.server().commands() - before, 50 * fleet.size()) << servers;
    EXPECT_TRUE(fleet.all_valid());
    EXPECT_EQ(fleet.provider.calls, 1U);
  }
}

}  // namespace
}  // namespace jeton::test
