#include "agent/fleet/local/local_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "agent/base/error.hpp"
#include "agent/fleet/channel_message.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

class LocalStateTest : public testing::Test {
 protected:
  test::TempDir dir;
  std::filesystem::path file = dir / "wechat.json";
};

LocalState full_state() {
  LocalState state;
  state.fence = 1'790'000'000'000'001;
  Record record;
  record.generation = 1'790'000'000'000'000;
  record.value = SecretString("s3cret-\"quoted\"-\\");
  record.type = "Bearer";
  record.attributes = {{"scope", "a b"}};
  record.issued_at = from_unix_ms(1'790'000'000'000);
  record.expires_at = from_unix_ms(1'790'000'007'200);
  record.previous = PreviousToken{SecretString("old"), 5, from_unix_ms(1'790'000'000'300)};
  record.fetched_by = "host-1";
  state.record = std::move(record);
  state.pause = LocalState::StoredPause{from_unix_ms(1'000), from_unix_ms(61'000), "429"};
  state.fetches = FetchWindow{from_unix_ms(2'000), from_unix_ms(1'000), 17, 90s};
  return state;
}

constexpr WallTime today = from_unix_ms(1'790'000'001'000);

TEST_F(LocalStateTest, FileIsMissing_StateIsEmpty) {
  const LocalState state = load_local_state(file, today);
  EXPECT_EQ(state.fence, 0U);
  EXPECT_FALSE(state.record);
  EXPECT_FALSE(state.pause);
}

TEST_F(LocalStateTest, StateIsSaved_IsLoadedUnchanged) {
  const LocalState before = full_state();
  save_local_state(file, before);
  const LocalState after = load_local_state(file, today);
  EXPECT_EQ(after.fence, before.fence);
  ASSERT_TRUE(after.record);
  EXPECT_EQ(after.record->value, before.record->value);
  EXPECT_EQ(after.record->generation, before.record->generation);
  EXPECT_EQ(after.record->attributes, before.record->attributes);
  EXPECT_EQ(after.record->expires_at, before.record->expires_at);
  EXPECT_EQ(after.record->previous->accept_until, before.record->previous->accept_until);
  EXPECT_EQ(after.pause->until, before.pause->until);
  EXPECT_EQ(after.pause->reason, "429");
  EXPECT_EQ(after.fetches.calls, 17U);
  EXPECT_EQ(after.fetches.last, before.fetches.last);
  EXPECT_EQ(after.fetches.ends_at(), from_unix_ms(91'000));
}

TEST_F(LocalStateTest, UmaskIsLax_FileIsPrivate) {
  const mode_t old = ::umask(0);
  save_local_state(file, full_state());
  ::umask(old);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(LocalStateTest, LeftoverOfACrashExists_StateIsSaved) {
  dir.write("wechat.json.new", "half");
  save_local_state(file, full_state());
  EXPECT_TRUE(load_local_state(file, today).record);
}

TEST_F(LocalStateTest, FileCannotBeRead_IsRemovedAndStartsAfresh) {
  const std::string good = [&] {
    save_local_state(file, full_state());
    return test::read_file(file);
  }();
  const std::string half = good.substr(0, good.size() / 2);
  for (const std::string& text :
       {half, std::string(), std::string("[]"), std::string(R"({"v":2,"fence":1})"), std::string(R"({"v":1})"),
        std::string(R"({"v":1,"fence":1,"record":{"v":9}})"), std::string(R"({"v":1,"fence":1,"pause":"x"})")}) {
    dir.write("wechat.json", text);
    testing::internal::CaptureStderr();
    const LocalState state = load_local_state(file, today);
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_EQ(state.fence, 0U);
    EXPECT_FALSE(state.record);
    EXPECT_THAT(log, testing::HasSubstr("wechat.json"));
    EXPECT_THAT(log, testing::Not(testing::HasSubstr("s3cret")));
    EXPECT_TRUE(std::filesystem::is_empty(dir.path())) << "a token may stand in it in the clear";
  }
}

TEST_F(LocalStateTest, FenceOfTheFarFuture_CountsForNothing) {
  LocalState state = full_state();
  state.fence = fence_limit(today);
  save_local_state(file, state);
  EXPECT_EQ(load_local_state(file, today).fence, 0U);
  state.fence = fence_limit(today) - 1;
  save_local_state(file, state);
  EXPECT_EQ(load_local_state(file, today).fence, fence_limit(today) - 1);
}

TEST_F(LocalStateTest, PauseOfCenturies_LastsNoLongerThanAnyPause) {
  LocalState state;
  state.pause = LocalState::StoredPause{today, today + std::chrono::years(1000), "429"};
  save_local_state(file, state);
  EXPECT_EQ(load_local_state(file, today).pause->remaining(today), longest_hold);
}

TEST_F(LocalStateTest, FileCannotBeOpenedOrWritten_IsAnError) {
  std::filesystem::create_directory(file);
  EXPECT_THROW(static_cast<void>(load_local_state(file, today)), Error);
  EXPECT_THROW(save_local_state(file, full_state()), Error);
  EXPECT_THROW(save_local_state(dir / "none" / "x.json", full_state()), Error);
  std::filesystem::create_symlink(dir / "elsewhere", dir / "link.json");
  EXPECT_THROW(static_cast<void>(load_local_state(dir / "link.json", today)), Error);
}

TEST_F(LocalStateTest, PauseIsStored_LastsNoLongerThanItsDuration) {
  const LocalState::StoredPause pause{from_unix_ms(100'000), from_unix_ms(160'000), "429"};
  EXPECT_EQ(pause.remaining(from_unix_ms(100'000)), 60s);
  EXPECT_EQ(pause.remaining(from_unix_ms(159'999)), 1ms);
  EXPECT_EQ(pause.remaining(from_unix_ms(160'000)), 0ms);
  EXPECT_EQ(pause.remaining(from_unix_ms(999'000)), 0ms);
  EXPECT_EQ(pause.remaining(from_unix_ms(1'000)), 60s) << "the clock went back";
}

}  // namespace
}  // namespace jeton::agent
