// When a file is written, and when not.
#include <fstream>

#include "tests/virtual/outputs/virtual_outputs.hpp"

namespace jeton::test {
namespace {

class OutputsWritten : public VirtualOutputs {};

TEST_F(OutputsWritten, ThereIsNoTokenYet_NothingIsWritten) {
  add("api", "f");
  configure();
  loop.pass(1h);
  EXPECT_EQ(content("f"), "none");
  EXPECT_TRUE(calls.made.empty());
  EXPECT_EQ(status().state, State::waiting);
}

TEST_F(OutputsWritten, TokenIsRenewed_FileFollowsEachTime) {
  add("api", "f", "{{ value }} {{ generation }}");
  configure();
  for (int i = 1; i <= 20; ++i) {
    renew("api", "tok" + std::to_string(i));
    EXPECT_EQ(content("f"), "tok" + std::to_string(i) + " " + std::to_string(i));
    loop.pass(10min);
  }
  EXPECT_EQ(status().state, State::written);
  EXPECT_EQ(status().generation, 20U);
  EXPECT_EQ(status().writes, 20U);
}

TEST_F(OutputsWritten, SameTokenIsHeardOfAgain_NothingIsDone) {
  add("api", "f");
  configure();
  renew("api", "tok");
  ASSERT_EQ(calls.made.size(), 1U);
  for (int i = 0; i < 50; ++i) {
    outputs->token_changed("api");
    settle();
  }
  EXPECT_EQ(calls.made.size(), 1U);
}

TEST_F(OutputsWritten, SameTokenComesWithOtherAttributes_FileFollows) {
  add("api", "f", "{{ value }} {{ generation }} {{ attributes.region }}");
  configure();
  tokens.renew("api", "tok").attributes["region"] = "eu";
  outputs->token_changed("api");
  settle();
  ASSERT_EQ(content("f"), "tok 1 eu");
  agent::Record& record = tokens.records.at("api");
  record.first_generation = record.generation;
  record.generation = ++tokens.generation;
  record.attributes["region"] = "us";
  outputs->token_changed("api");
  settle();
  EXPECT_EQ(content("f"), "tok 1 us");
  EXPECT_EQ(status().generation, 1U) << "that by which readers know the token";
}

TEST_F(OutputsWritten, NewTokenMakesTheSameContent_FileAndHookAreLeftAlone) {
  add("api", "f", "{{ type }}").on_change = hook("x.service", 0ms);
  configure();
  renew("api", "tok1");
  loop.pass(1min);
  const ino_t file = inode("f");
  renew("api", "tok2");
  loop.pass(1min);
  EXPECT_EQ(inode("f"), file);
  EXPECT_EQ(hooks.at.size(), 1U);
  EXPECT_EQ(status().writes, 1U);
  EXPECT_EQ(status().generation, 2U) << "the file has what it needs of the newer one";
}

TEST_F(OutputsWritten, AgentIsRestarted_OnlyWhatIsMissingIsWritten) {
  add("api", "kept").on_change = hook("kept.service");
  add("api", "lost").on_change = hook("lost.service");
  configure();
  renew("api", "tok");
  loop.pass(1min);
  ASSERT_EQ(hooks.at.size(), 2U);
  const ino_t kept = inode("kept");
  stop();
  std::filesystem::remove(dir / "lost");
  start();
  loop.pass(1min);
  EXPECT_EQ(inode("kept"), kept);
  EXPECT_EQ(content("lost"), "tok");
  ASSERT_EQ(hooks.at.size(), 3U);
  EXPECT_EQ(hooks.descriptions.back(), "reload lost.service");
}

TEST_F(OutputsWritten, TemplateNamesOtherTokens_IsWrittenWhenAllAreValidAndWhenAnyChanges) {
  add("api", "f", "{{ value }} {{ billing:value }} {{ shop:value }}");
  configure();
  renew("api", "a1");
  renew("billing", "b1");
  EXPECT_EQ(content("f"), "none");
  renew("shop", "s1");
  EXPECT_EQ(content("f"), "a1 b1 s1");
  renew("billing", "b2");
  EXPECT_EQ(content("f"), "a1 b2 s1");
  renew("other", "o1");
  EXPECT_EQ(status().writes, 2U);
}

TEST_F(OutputsWritten, WriteFails_OldFileStaysAndItIsTriedAgainUntilItWorks) {
  std::filesystem::create_directory(dir / "d");
  add("api", "d/f");
  configure();
  renew("api", "tok1");
  ASSERT_EQ(content("d/f"), "tok1");
  ASSERT_EQ(::chmod((dir / "d").c_str(), 0777), 0);
  renew("api", "tok2");
  EXPECT_EQ(status().state, State::failing);
  EXPECT_THAT(status().last_error, testing::HasSubstr("can be written by other users"));
  EXPECT_EQ(content("d/f"), "tok1");
  loop.pass(5min);
  const std::size_t tries = calls.made.size();
  EXPECT_GE(tries, 8U) << "at least every half minute";
  EXPECT_LE(tries, 60U);
  EXPECT_EQ(status().failures, tries - 1);
  ASSERT_EQ(::chmod((dir / "d").c_str(), 0755), 0);
  loop.pass(31s);
  EXPECT_EQ(content("d/f"), "tok2");
  EXPECT_EQ(status().state, State::written);
  EXPECT_EQ(status().last_error, "");
}

TEST_F(OutputsWritten, ContentCannotBeMade_ErrorNamesThePathAndHasNoSecret) {
  add("api", "f", "{{ nginx value }}");
  configure();
  renew("api", "s3cret$");
  EXPECT_EQ(status().state, State::failing);
  EXPECT_THAT(status().last_error, testing::StartsWith((dir / "f").string() + ": nginx: "));
  EXPECT_THAT(status().last_error, testing::Not(testing::HasSubstr("s3cret")));
  renew("api", "tok");
  loop.pass(31s);
  EXPECT_EQ(content("f"), "\"tok\"");
}

TEST_F(OutputsWritten, TokenIsRenewedDuringAWrite_LastOneIsInTheFile) {
  add("api", "f");
  configure();
  calls.delays[(dir / "f").string()] = 5s;
  renew("api", "tok1");
  renew("api", "tok2");
  loop.pass(6s);
  EXPECT_EQ(content("f"), "tok1");
  loop.pass(5s);
  EXPECT_EQ(content("f"), "tok2");
}

TEST_F(OutputsWritten, ConfigurationChanges_FileFollowsAtOnce) {
  add("api", "f", "old {{ value }}");
  configure();
  renew("api", "tok");
  config["api"].outputs[0].content = agent::OutputTemplate::parse("new {{ value }}");
  configure();
  EXPECT_EQ(content("f"), "new tok");
  const ino_t file = inode("f");
  configure();
  EXPECT_EQ(inode("f"), file) << "nothing has changed";
  EXPECT_EQ(status().writes, 2U);
}

TEST_F(OutputsWritten, FileWasRemovedOrChanged_ReloadWritesItAgain) {
  add("api", "f").on_change = hook("x.service", 0ms);
  configure();
  renew("api", "tok");
  for (const bool removed : {true, false}) {
    if (removed) {
      std::filesystem::remove(dir / "f");
    } else {
      std::ofstream(dir / "f") << "other";
    }
    const std::size_t runs = hooks.at.size();
    configure();
    EXPECT_EQ(content("f"), "tok");
    EXPECT_EQ(hooks.at.size(), runs + 1);
  }
}

TEST_F(OutputsWritten, CauseOfAFailureIsCorrected_ReloadTriesAtOnce) {
  ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
  add("api", "f");
  configure();
  renew("api", "tok");
  loop.pass(5min);
  ASSERT_EQ(status().state, State::failing);
  ASSERT_EQ(::chmod(dir.path().c_str(), 0700), 0);
  configure();
  EXPECT_EQ(status().state, State::written);
  EXPECT_EQ(content("f"), "tok");
}

TEST_F(OutputsWritten, ConfigurationChangesDuringAWrite_NewContentIsInTheFile) {
  add("api", "f", "old {{ value }}");
  configure();
  calls.delays[(dir / "f").string()] = 5s;
  renew("api", "tok");
  config["api"].outputs[0].content = agent::OutputTemplate::parse("new {{ value }}");
  configure();
  loop.pass(11s);
  EXPECT_EQ(content("f"), "new tok");
}

TEST_F(OutputsWritten, FileGoesToAnotherToken_HasThatOne) {
  add("api", "f");
  configure();
  renew("api", "tok");
  renew("billing", "other");
  config["billing"].outputs = std::exchange(config["api"].outputs, {});
  configure();
  EXPECT_EQ(content("f"), "other");
  EXPECT_TRUE(outputs->status("api").empty());
  EXPECT_EQ(outputs->status("billing").size(), 1U);
}

TEST_F(OutputsWritten, AgentStopsDuringAWrite_EndsAndTheNextOneWrites) {
  add("api", "f").on_change = hook("x.service");
  configure();
  calls.delays[(dir / "f").string()] = 5s;
  renew("api", "tok");
  stop();
  EXPECT_EQ(content("f"), "none");
  calls.delays.clear();
  start();
  EXPECT_EQ(content("f"), "tok");
}

}  // namespace
}  // namespace jeton::test
