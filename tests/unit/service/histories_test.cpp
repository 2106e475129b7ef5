#include "agent/service/histories.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <iterator>
#include <set>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class GivenClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall_now() const override { return from_unix_ms(1'795'000'000'000); }
  [[nodiscard]] BootTime boot_now() const override { return now; }
  BootTime now{std::chrono::hours(1)};
};

class HistoriesTest : public ::testing::Test {
 protected:
  static HistoryEvent event(const std::string& name) {
    HistoryEvent one;
    one.event = name;
    return one;
  }
  [[nodiscard]] std::string written() const {
    const auto file = directory / "wechat.json";
    return std::filesystem::exists(file) ? test::read_file(file) : "";
  }

  test::TempDir parent;
  std::filesystem::path directory = parent / "history";
  GivenClock clock;
};

TEST_F(HistoriesTest, AgentIsStartedAgain_HistoryGoesOn) {
  {
    Histories histories(directory, clock);
    histories.of("wechat").note(event("fetched"));
    histories.write_all();
  }
  Histories histories(directory, clock);
  histories.of("wechat").note(event("adopted"));
  ASSERT_THAT(histories.find("wechat")->events(), SizeIs(2));
  EXPECT_EQ(histories.find("wechat")->events().front().event, "fetched");
  EXPECT_EQ(histories.find("nobody"), nullptr);
}

TEST_F(HistoriesTest, EventsComeQuickly_FileIsWrittenOnceAMinute) {
  Histories histories(directory, clock);
  histories.of("wechat").note(event("first"));
  histories.write_due();
  EXPECT_THAT(written(), HasSubstr("first"));
  histories.of("wechat").note(event("second"));
  clock.now += std::chrono::seconds(59);
  histories.write_due();
  EXPECT_THAT(written(), ::testing::Not(HasSubstr("second")));
  clock.now += std::chrono::seconds(1);
  histories.write_due();
  EXPECT_THAT(written(), HasSubstr("second"));
}

TEST_F(HistoriesTest, NothingHasHappened_NothingIsWritten) {
  Histories histories(directory, clock);
  static_cast<void>(histories.of("wechat"));
  histories.write_due();
  histories.write_all();
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(HistoriesTest, FileIsWritten_OnlyItsOwnerCanReadIt) {
  Histories histories(directory, clock);
  histories.of("wechat").note(event("fetched"));
  histories.write_all();
  struct stat status {};
  ASSERT_EQ(::stat((directory / "wechat.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(directory.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(HistoriesTest, TokenHasGone_ItsFileGoes) {
  Histories histories(directory, clock);
  histories.of("wechat").note(event("fetched"));
  histories.of("a.b").note(event("fetched"));
  histories.write_all();
  histories.prune_except({"a.b"});
  EXPECT_FALSE(std::filesystem::exists(directory / "wechat.json"));
  EXPECT_TRUE(std::filesystem::exists(directory / "a.b.json"));
  EXPECT_EQ(histories.find("wechat"), nullptr);
}

TEST_F(HistoriesTest, FileIsDamaged_IsKeptBesideAndSaidOnce) {
  std::filesystem::create_directory(directory);
  for (const char* text : {"garbage", ""}) {
    parent.write("history/wechat.json", text);
    Histories histories(directory, clock);
    testing::internal::CaptureStderr();
    EXPECT_TRUE(histories.of("wechat").events().empty());
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, HasSubstr("the history of a token is damaged"));
    EXPECT_THAT(log, HasSubstr((directory / "wechat.json").string()));
    EXPECT_THAT(log, HasSubstr("it is not JSON"));
    EXPECT_THAT(log, HasSubstr("wechat.damaged"));
    EXPECT_EQ(test::read_file(directory / "wechat.damaged"), text) << "one copy, the newest";
    histories.of("wechat").note(event("fetched"));
    histories.write_all();
    EXPECT_THAT(written(), HasSubstr("fetched"));
  }
  testing::internal::CaptureStderr();
  Histories next(directory, clock);
  EXPECT_THAT(next.of("wechat").events(), SizeIs(1));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "the file is whole again";
  next.prune_except({"wechat"});
  EXPECT_TRUE(std::filesystem::exists(directory / "wechat.damaged"));
  next.prune_except({});
  EXPECT_FALSE(std::filesystem::exists(directory / "wechat.damaged"));
}

TEST_F(HistoriesTest, OneEventIsDamaged_TheOthersAreOnDiskAgain) {
  std::filesystem::create_directory(directory);
  parent.write("history/wechat.json", R"({"events": [7, {"at_ms": 1795000000000, "event": "fetched"}]})");
  Histories histories(directory, clock);
  EXPECT_THAT(histories.of("wechat").events(), SizeIs(1));
  EXPECT_EQ(written(), "");
  histories.write_due();
  EXPECT_THAT(written(), HasSubstr("fetched"));
}

TEST_F(HistoriesTest, DamagedFileCannotBeKept_SaysWhy) {
  std::filesystem::create_directories(directory / "wechat.damaged");
  parent.write("history/wechat.json", "garbage");
  Histories histories(directory, clock);
  testing::internal::CaptureStderr();
  static_cast<void>(histories.of("wechat"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("the next write replaces it"));
}

TEST_F(HistoriesTest, TokensAreMany_SomeAreWrittenAtATimeAndAllAtTheEnd) {
  std::set<std::string> names;
  for (int i = 0; i < 450; ++i) names.insert("token-" + std::to_string(i));
  const auto files = [this] {
    return std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator());
  };
  {
    Histories histories(directory, clock);
    for (const std::string& name : names) histories.of(name).note(event("fetched"));
    histories.write_due();
    EXPECT_EQ(files(), 200);
    histories.write_due();
    EXPECT_EQ(files(), 400) << "others than before";
    histories.write_due();
    EXPECT_EQ(files(), 450);
    for (const std::string& name : names) histories.of(name).note(event("renewed"));
    histories.write_all();
  }
  Histories histories(directory, clock);
  histories.restore(names);
  for (const std::string& name : names) {
    ASSERT_NE(histories.find(name), nullptr);
    ASSERT_THAT(histories.find(name)->events(), SizeIs(2)) << name;
  }
}

TEST_F(HistoriesTest, FileCannotBeReadAtFirst_IsNotWrittenBeforeItWasRead) {
  {
    Histories histories(directory, clock);
    histories.of("wechat").note(event("fetched"));
    histories.write_all();
  }
  std::filesystem::rename(directory / "wechat.json", parent / "kept.json");
  std::filesystem::create_symlink(parent / "kept.json", directory / "wechat.json");  // no link is followed
  Histories histories(directory, clock);
  histories.of("wechat").note(event("renewed"));
  histories.write_due();
  histories.write_all();
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "wechat.json"));
  std::filesystem::rename(parent / "kept.json", directory / "wechat.json");
  clock.now += std::chrono::minutes(1);
  histories.write_due();
  EXPECT_THAT(histories.find("wechat")->events(), SizeIs(2));
  histories.write_due();
  EXPECT_THAT(written(), ::testing::AllOf(HasSubstr("fetched"), HasSubstr("renewed")));
}

TEST_F(HistoriesTest, DiskIsSlow_EachFileIsReadBeforeItIsWrittenAndAllAreAtTheEnd) {
  const std::set<std::string> names{"a", "b", "c", "wechat"};
  {
    Histories histories(directory, clock);
    for (const std::string& name : names) histories.of(name).note(event("fetched"));
    histories.write_all();
  }
  Histories histories(directory, clock, std::chrono::milliseconds(0));  // for one file a batch
  histories.restore(names);
  EXPECT_THAT(histories.find("a")->events(), SizeIs(1));
  EXPECT_THAT(histories.find("wechat")->events(), SizeIs(0));
  for (const std::string& name : names) histories.of(name).note(event("renewed"));
  for (std::size_t i = 0; i < names.size(); ++i) histories.write_due();
  histories.write_all();
  for (const std::string& name : names) {
    EXPECT_THAT(histories.find(name)->events(), SizeIs(2)) << name;
    EXPECT_THAT(test::read_file(directory / (name + ".json")),
                ::testing::AllOf(HasSubstr("fetched"), HasSubstr("renewed")));
  }
}

TEST_F(HistoriesTest, OneFileCannotBeWritten_OthersAre) {
  std::filesystem::create_directories(directory / "wechat.json" / "in-the-way");
  Histories histories(directory, clock);
  histories.of("wechat").note(event("fetched"));
  histories.of("other").note(event("fetched"));
  histories.write_all();
  EXPECT_THAT(test::read_file(directory / "other.json"), HasSubstr("fetched"));
}

TEST_F(HistoriesTest, DirectoryCannotBeMade_EventsAreInMemory) {
  parent.write("history", "a file in the way");
  Histories histories(directory, clock);
  histories.of("wechat").note(event("fetched"));
  histories.write_due();
  EXPECT_THAT(histories.find("wechat")->events(), SizeIs(1));
}

TEST_F(HistoriesTest, WriteHasFailed_IsTriedAgainAfterAMinuteOrAtTheEnd) {
  parent.write("history", "a file in the way");
  Histories histories(directory, clock);
  histories.of("wechat").note(event("fetched"));
  histories.write_due();
  std::filesystem::remove(directory);
  histories.write_due();
  EXPECT_EQ(written(), "");
  histories.write_all();
  EXPECT_THAT(written(), HasSubstr("fetched"));
}

}  // namespace
}  // namespace jeton::agent
