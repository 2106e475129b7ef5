// jeton_list and jeton_diagnose.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <jeton/client.hpp>

#include "tests/support/no_descriptors.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

using LookAround = ClientTest;

TEST_F(LookAround, SeveralTokens_AreListedByName) {
  std::vector<std::unique_ptr<agent::SegmentStore>> stores;
  for (const char* name : {"wechat", "api", "github.app"}) {
    stores.push_back(std::make_unique<agent::SegmentStore>(
        *runtime, agent::SegmentOptions{name, 64, {}, agent::Policy::warn}, wall_now()));
  }
  const auto names = jeton::list(directory());
  ASSERT_TRUE(names);
  EXPECT_EQ(*names, (std::vector<std::string>{"api", "github.app", "wechat"}));
}

TEST_F(LookAround, ListBufferIsTooSmall_NeededSizeIsGiven) {
  make_store();
  const std::string path = directory();
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = path.c_str();
  std::size_t size = 0;
  std::size_t count = 0;
  EXPECT_EQ(jeton_list(&options, nullptr, 0, &size, &count), JETON_BUFFER_TOO_SMALL);
  EXPECT_EQ(size, sizeof("api"));
  EXPECT_EQ(count, 1U);
  char buffer[sizeof("api")];
  EXPECT_EQ(jeton_list(&options, buffer, sizeof(buffer), &size, nullptr), JETON_OK);
  EXPECT_STREQ(buffer, "api");
}

TEST_F(LookAround, DirectoryIsMissing_ListSaysNoAgent) {
  EXPECT_EQ(jeton::list((dir / "nowhere").string()).status(), JETON_NO_AGENT);
}

TEST_F(LookAround, AgentDoesNotRun_DiagnosisStillGivesTheTokenStatus) {
  make_store();
  const auto token_of = [&] { return jeton::diagnose("api", directory()).value().token; };
  EXPECT_EQ(token_of(), JETON_NO_TOKEN);
  publish(3);
  EXPECT_EQ(token_of(), JETON_OK);
  store->mark_rejected();
  EXPECT_EQ(token_of(), JETON_REJECTED);
  store->mark_expired();
  EXPECT_EQ(token_of(), JETON_EXPIRED);
  EXPECT_EQ(jeton::diagnose("api", directory()).value().agent, JETON_NO_AGENT);
  EXPECT_EQ(jeton::diagnose("other", directory()).value().token, JETON_NOT_FOUND);
  EXPECT_EQ(jeton::diagnose("../api", directory()).status(), JETON_INVALID_ARGUMENT);
}

// The agent may be well.
TEST_F(LookAround, NoDescriptorIsLeft_IsAnErrorOfTheSystemAndNotOfTheAgent) {
  make_store();
  publish(3);
  const TokenPtr token = must_open();
  const NoDescriptors limit;
  errno = 0;
  EXPECT_EQ(jeton_rejected(token.get(), 3, nullptr), JETON_SYSTEM_ERROR);
  EXPECT_EQ(errno, EMFILE);
  const auto diagnosis = jeton::diagnose("api", directory());
  ASSERT_TRUE(diagnosis);
  EXPECT_EQ(diagnosis->agent, JETON_SYSTEM_ERROR);
}

TEST_F(LookAround, FileIsWritableByOthers_DiagnosisNamesIt) {
  make_store();
  publish(3);
  ::chmod(file().c_str(), 0666);
  EXPECT_EQ(jeton::diagnose("api", directory()).value().token, JETON_WRITABLE_FILE);
}

}  // namespace
}  // namespace jeton::test
