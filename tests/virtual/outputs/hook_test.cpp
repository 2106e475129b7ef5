// on_change: it follows every change, not more often than it may, and is never left out.
#include "agent/outputs/hook.hpp"

#include <fstream>

#include "tests/virtual/outputs/virtual_outputs.hpp"

namespace jeton::test {
namespace {

class HookRuns : public VirtualOutputs {
 protected:
  // Its on_change fails, and is to be tried again.
  void fail_a_run() {
    add("api", "f").on_change = hook("x.service");
    configure();
    hooks.failure = "not now";
    renew("api", "tok");
    ASSERT_TRUE(status().on_change->is_due);
  }
  void expect_no_more_runs() {
    const std::size_t runs = hooks.at.size();
    loop.pass(1h);
    EXPECT_EQ(hooks.at.size(), runs);
    EXPECT_TRUE(std::filesystem::is_empty(dir / "run/outputs"));
  }
};

TEST_F(HookRuns, TokenIsRotated_HookFollowsEachTime) {
  add("api", "f").on_change = hook("x.service");
  configure();
  for (int i = 1; i <= 20; ++i) {
    renew("api", "tok" + std::to_string(i));
    loop.pass(1min);
    EXPECT_EQ(hooks.at.size(), static_cast<std::size_t>(i));
  }
  const auto status_of_hook = status().on_change.value();
  EXPECT_EQ(status_of_hook.action, "reload x.service");
  EXPECT_EQ(status_of_hook.runs, 20U);
  EXPECT_EQ(status_of_hook.failures, 0U);
  EXPECT_FALSE(status_of_hook.is_due);
}

TEST_F(HookRuns, FiftyOutputsShareIt_EachRotationIsFollowedOnce) {
  for (int i = 0; i < 50; ++i) add("api", "f" + std::to_string(i)).on_change = hook("x.service");
  configure();
  for (int rotation = 1; rotation <= 5; ++rotation) {
    renew("api", "tok" + std::to_string(rotation));
    loop.pass(1min);
    EXPECT_EQ(hooks.at.size(), static_cast<std::size_t>(rotation));
  }
  EXPECT_EQ(calls.made.size(), 250U);
  EXPECT_EQ(content("f49"), "tok5");
}

TEST_F(HookRuns, AWriteTakesLong_HookComesAfterIt) {
  add("api", "fast").on_change = hook("x.service");
  add("api", "slow").on_change = hook("x.service");
  configure();
  calls.delays[(dir / "slow").string()] = 5s;
  renew("api", "tok");
  loop.pass(4s);
  EXPECT_TRUE(hooks.at.empty());
  loop.pass(2s);
  EXPECT_EQ(hooks.at.size(), 1U);
}

// Its file system hangs: the thread may replace the file when nobody waits for it any more.
TEST_F(HookRuns, AWriteDoesNotEndWell_HookThatFollowsAnotherLeavesItsMark) {
  add("api", "good").on_change = hook("x.service", 0ms);
  add("api", "slow").on_change = hook("x.service", 0ms);
  configure();
  const auto mark =
      agent::mark_of({loop.timers, loop.random, calls, hooks, tokens, changed, dir / "run"}, dir / "slow");
  calls.instead[(dir / "slow").string()] = [mark] {
    std::filesystem::create_directories(mark.parent_path());
    std::ofstream(mark).flush();
    throw agent::Error("no answer");
  };
  renew("api", "tok");
  ASSERT_EQ(hooks.at.size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(mark));
  calls.instead.clear();
  loop.pass(1min);
  EXPECT_EQ(hooks.at.size(), 2U);
  EXPECT_TRUE(std::filesystem::is_empty(dir / "run/outputs"));
}

TEST_F(HookRuns, ChangesComeFast_AreFollowedTogetherAfterMinInterval) {
  add("api", "f").on_change = hook("x.service", 1min);
  configure();
  for (int i = 0; i < 60; ++i) {
    renew("api", "tok" + std::to_string(i));
    loop.pass(1s);
  }
  loop.pass(10min);
  ASSERT_EQ(hooks.at.size(), 2U);
  EXPECT_GE(hooks.at[1] - hooks.at[0], 1min);
}

TEST_F(HookRuns, FileChangesDuringARun_IsFollowedByAnother) {
  add("api", "f").on_change = hook("x.service", 0ms);
  configure();
  hooks.duration = 20s;
  renew("api", "tok1");
  loop.pass(10s);
  renew("api", "tok2");
  loop.pass(1min);
  EXPECT_EQ(hooks.at.size(), 2U);
}

TEST_F(HookRuns, HooksDiffer_AreRunApart) {
  add("api", "f").on_change = hook("x.service");
  add("api", "g").on_change = hook("y.service");
  add("api", "h").on_change = hook("x.service");
  configure();
  const auto all = outputs->status("api");
  EXPECT_EQ(all.at(0).on_change->id, all.at(2).on_change->id);
  EXPECT_NE(all.at(0).on_change->id, all.at(1).on_change->id);
  renew("api", "tok");
  loop.pass(1s);
  EXPECT_THAT(hooks.descriptions, testing::UnorderedElementsAre("reload x.service", "reload y.service"));
}

TEST_F(HookRuns, RunFails_IsTriedAgainWithGrowingPausesAndStatusSaysWhy) {
  add("api", "f").on_change = hook("x.service", 0ms);
  configure();
  hooks.failure = "the unit is not there";
  renew("api", "tok");
  loop.pass(1h);
  const auto failing = status().on_change.value();
  EXPECT_EQ(failing.last_error, "the unit is not there");
  EXPECT_TRUE(failing.is_due);
  EXPECT_EQ(failing.failures, hooks.at.size());
  EXPECT_GE(hooks.at.size(), 12U) << "every five minutes at least";
  EXPECT_LE(hooks.at.size(), 80U);
  EXPECT_EQ(status().state, State::written) << "the file itself is there";
  hooks.failure.clear();
  loop.pass(5min);
  const std::size_t runs = hooks.at.size();
  EXPECT_EQ(status().on_change->last_error, "");
  EXPECT_FALSE(status().on_change->is_due);
  loop.pass(1h);
  EXPECT_EQ(hooks.at.size(), runs);
}

TEST_F(HookRuns, RunFails_MayNotShowTheTokens) {
  add("api", "f", "{{ base64 value }}").on_change = hook("x.service");
  configure();
  renew("api", "tok");
  loop.pass(1s);
  EXPECT_GE(hooks.known_secrets.value_or(0), 2U) << "the value, and what the file has";
}

// A mark in the runtime directory says that a run is owed.
TEST_F(HookRuns, AgentEndsBeforeTheRunWentWell_NextOneMakesUpForIt) {
  add("api", "f").on_change = hook("x.service");
  configure();
  hooks.failure = "not now";
  renew("api", "tok");
  ASSERT_GE(hooks.at.size(), 1U);
  stop();
  hooks.failure.clear();
  const std::size_t before = hooks.at.size();
  const ino_t file = inode("f");
  start();
  loop.pass(1s);
  EXPECT_EQ(hooks.at.size(), before + 1);
  EXPECT_EQ(inode("f"), file) << "nothing had to be written";
  stop();
  start();
  loop.pass(1min);
  EXPECT_EQ(hooks.at.size(), before + 1) << "it went well";
}

// Such as a unit whose name was misspelt.
TEST_F(HookRuns, OnChangeIsCorrectedWhileARunIsOwed_NewOneMakesUpForIt) {
  add("api", "f").on_change = hook("typo.service");
  configure();
  hooks.failure = "there is no such unit";
  renew("api", "tok");
  ASSERT_EQ(status().on_change->last_error, "there is no such unit");
  hooks.failure.clear();
  config["api"].outputs[0].on_change = hook("x.service");
  configure();
  EXPECT_EQ(hooks.descriptions.back(), "reload x.service");
  loop.pass(1min);
  configure();
  loop.pass(1h);
  EXPECT_THAT(hooks.descriptions, testing::ElementsAre("reload typo.service", "reload x.service"));
  EXPECT_TRUE(std::filesystem::is_empty(dir / "run/outputs"));
}

TEST_F(HookRuns, OnChangeIsCorrectedOverARestart_NewOneMakesUpForTheRunThatIsOwed) {
  add("api", "f").on_change = hook("typo.service");
  configure();
  hooks.failure = "there is no such unit";
  renew("api", "tok");
  stop();
  hooks.failure.clear();
  config["api"].outputs[0].on_change = hook("x.service");
  start();
  loop.pass(1s);
  EXPECT_EQ(hooks.descriptions.back(), "reload x.service");
  EXPECT_TRUE(std::filesystem::is_empty(dir / "run/outputs"));
}

TEST_F(HookRuns, OnChangeIsReplacedAndNoRunIsOwed_NewOneWaitsForAChange) {
  add("api", "f").on_change = hook("x.service");
  configure();
  renew("api", "tok1");
  loop.pass(1min);
  config["api"].outputs[0].on_change = hook("y.service");
  configure();
  loop.pass(1min);
  EXPECT_THAT(hooks.descriptions, testing::ElementsAre("reload x.service"));
  renew("api", "tok2");
  EXPECT_THAT(hooks.descriptions, testing::ElementsAre("reload x.service", "reload y.service"));
}

// A command that is not in the configuration any more would surprise, minutes later.
TEST_F(HookRuns, OnChangeLeavesTheConfigurationWhileARunIsOwed_RunIsNotMade) {
  fail_a_run();
  config["api"].outputs[0].on_change.reset();
  configure();
  expect_no_more_runs();
  EXPECT_FALSE(status().on_change);
}

TEST_F(HookRuns, OutputLeavesTheConfigurationWhileARunIsOwed_RunIsNotMade) {
  fail_a_run();
  config["api"].outputs.clear();
  configure();
  expect_no_more_runs();
}

TEST_F(HookRuns, OutputLeavesTheConfigurationDuringItsWrite_ChangeIsNotFollowed) {
  add("api", "f").on_change = hook("x.service");
  configure();
  calls.delays[(dir / "f").string()] = 5s;
  renew("api", "tok");
  config["api"].outputs.clear();
  configure();
  expect_no_more_runs();
  EXPECT_EQ(content("f"), "tok");
}

TEST_F(HookRuns, OnChangeComesBackBeforeItsRunHasEnded_FollowsChanges) {
  add("api", "f").on_change = hook("x.service", 0ms);
  configure();
  hooks.duration = 20s;
  renew("api", "tok1");
  const auto on_change = std::exchange(config["api"].outputs[0].on_change, std::nullopt);
  configure();
  config["api"].outputs[0].on_change = on_change;
  configure();
  renew("api", "tok2");
  loop.pass(1min);
  EXPECT_EQ(hooks.at.size(), 2U);
}

// Nobody knows the secrets of a token that has gone with its output.
TEST_F(HookRuns, FileIsRemovedByAReload_IsFollowedByARunThatShowsNothing) {
  auto& output = add("api", "f");
  output.on_change = hook("x.service");
  output.remove_expired = true;
  configure();
  renew("api", "tok");
  loop.pass(1min);
  ASSERT_TRUE(hooks.known_secrets.has_value());
  config.clear();
  configure();
  EXPECT_EQ(content("f"), "none");
  EXPECT_EQ(hooks.at.size(), 2U);
  EXPECT_FALSE(hooks.known_secrets.has_value());
  expect_no_more_runs();
}

}  // namespace
}  // namespace jeton::test
