#include "agent/refresh/locked_refresh.hpp"
#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

class FakeKeeper final : public agent::RecordKeeper {
 public:
  [[nodiscard]] std::optional<agent::Record> load() override {
    if (defective) throw std::runtime_error("a defect");
    if (broken) throw agent::Error("no key opens it");
    return saved;
  }
  void save(const agent::Record& record) override {
    if (broken) throw agent::Error("the disk is full");
    saved = record;
    ++saves;
  }
  void keep_answer(const agent::SecretString& /*answer*/, agent::WallTime /*at*/) override { ++answers; }
  void forget_answers() override { answers = 0; }

  std::optional<agent::Record> saved;
  bool broken = false;
  bool defective = false;
  int saves = 0;
  int answers = 0;
};

struct KeeperParts : RefreshParts {
  [[nodiscard]] agent::Record record_with_state(agent::Generation generation) const {
    agent::Record made = record(generation);
    made.state = agent::SecretString("state-" + std::to_string(generation));
    return made;
  }
  FakeKeeper keeper;
  agent::StateKeeper state{&keeper, current, loop.clock, journal};
};

TEST(StateKeeper, KeptRecordIsOlderThanTheCurrentOne_IsNotLoaded) {
  KeeperParts parts;
  parts.keeper.saved = parts.record_with_state(2);
  EXPECT_TRUE(parts.state.load());
  parts.take(parts.record(3));
  EXPECT_FALSE(parts.state.load());
}

TEST(StateKeeper, KeptRecordCannotBeRead_IsSaidAndTheRefreshGoesOn) {
  KeeperParts parts;
  parts.keeper.broken = true;
  EXPECT_FALSE(parts.state.load());
  EXPECT_NE(parts.journal.status().last_error.find("no key opens it"), std::string::npos);
}

TEST(StateKeeper, ReadingFailsInAnUnexpectedWay_IsSaidAndTheRefreshGoesOn) {
  KeeperParts parts;
  parts.keeper.defective = true;
  EXPECT_FALSE(parts.state.load());
  EXPECT_NE(parts.journal.status().last_error.find("a defect"), std::string::npos);
}

TEST(StateKeeper, RecordIsNewer_IsSavedOnce) {
  KeeperParts parts;
  parts.state.keep(parts.record_with_state(2), false);
  parts.state.keep(parts.record_with_state(2), false);
  parts.state.keep(parts.record_with_state(1), false);
  EXPECT_EQ(parts.keeper.saves, 1);
  EXPECT_EQ(parts.keeper.saved->generation, 2U);
}

TEST(StateKeeper, RecordHasNoState_IsNotSaved) {
  KeeperParts parts;
  parts.state.keep(parts.record(2), false);
  EXPECT_EQ(parts.keeper.saves, 0);
}

TEST(StateKeeper, SaveFails_IsTriedAgainWithTheSameRecord) {
  KeeperParts parts;
  parts.keeper.broken = true;
  parts.state.keep(parts.record_with_state(2), false);
  EXPECT_NE(parts.journal.status().last_error.find("the disk is full"), std::string::npos);
  parts.keeper.broken = false;
  parts.state.keep(parts.record_with_state(2), false);
  EXPECT_EQ(parts.keeper.saves, 1);
}

TEST(StateKeeper, AnswerCannotBeRead_IsKeptUntilANewTokenCame) {
  KeeperParts parts;
  agent::SourceError failure(agent::SourceError::Kind::transient, "no JSON");
  parts.state.keep_unread(failure);
  EXPECT_EQ(parts.keeper.answers, 0) << "there is none";
  failure.set_unread_answer(agent::SecretString("bytes"));
  parts.state.keep_unread(failure);
  parts.take(parts.record(1));
  parts.state.keep(parts.current.with_state(agent::SecretString("state"), 2, "host"), true);
  EXPECT_EQ(parts.keeper.answers, 1) << "a state alone is no token";
  parts.state.keep(parts.record_with_state(3), false);
  EXPECT_EQ(parts.keeper.answers, 0);
}

TEST(StateKeeper, SourceKeepsNoState_DoesNothing) {
  KeeperParts parts;
  agent::StateKeeper none{nullptr, parts.current, parts.loop.clock, parts.journal};
  none.keep(parts.record_with_state(2), false);
  EXPECT_FALSE(none.load());
}

}  // namespace
}  // namespace jeton::test
