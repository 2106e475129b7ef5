#include "agent/segment/segment_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "libclient/layout/geometry.hpp"
#include "libclient/layout/segment.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::agent {
namespace {

using test::sample_previous;
using test::sample_record;
using test::wall_now;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class SegmentStoreTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<SegmentStore> open(std::size_t capacity = 1024, const AccessConfig& access = {}) {
    return std::make_unique<SegmentStore>(runtime, SegmentOptions{"api", capacity, access, Policy::warn}, wall_now());
  }
  [[nodiscard]] std::string bytes() const { return test::read_file(file()); }
  [[nodiscard]] std::filesystem::path file() const { return runtime.segment_path("api"); }
  [[nodiscard]] std::filesystem::path aside() const { return dir / "aside"; }
  [[nodiscard]] std::uint64_t state() const {
    const std::string all = bytes();
    return layout::state_of(reinterpret_cast<const layout::FileHeader*>(all.data())->control);
  }
  void overwrite(std::size_t offset, std::string_view with) const {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.write(with.data(), static_cast<std::streamsize>(with.size()));
  }

  test::TempDir dir;
  RuntimeDir runtime{dir / "run", Policy::warn};
};

TEST_F(SegmentStoreTest, SegmentIsNew_HasNoToken) {
  const auto store = open();
  EXPECT_FALSE(store->adopted());
  EXPECT_EQ(state(), 0U);
}

TEST_F(SegmentStoreTest, SegmentsAreMany_NoneHoldsADescriptor) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = descriptors();
  for (int run = 0; run < 2; ++run) {  // made, and then adopted
    std::vector<std::unique_ptr<SegmentStore>> stores;
    for (int i = 0; i < 200; ++i) {
      const SegmentOptions options{"token-" + std::to_string(i), 64, {}, Policy::warn};
      stores.push_back(std::make_unique<SegmentStore>(runtime, options, wall_now()));
      stores.back()->publish(sample_record(7 + static_cast<Generation>(run), "the-token"), wall_now());
    }
    EXPECT_EQ(descriptors(), before);
  }
}

// The access list of a file that was removed needs no change: heartbeat() makes another one.
TEST_F(SegmentStoreTest, FileIsRemovedAndReadersChange_NewFileHasThem) {
  const auto store = open();
  store->publish(sample_record(7, "the-token"), wall_now());
  std::filesystem::remove(file());
  const AccessConfig access{{std::to_string(::geteuid())}, {}};
  EXPECT_NO_THROW(store->reconfigure(1024, access, wall_now()));
  store->heartbeat(wall_now());
  EXPECT_TRUE(std::filesystem::exists(file()));
  EXPECT_NO_THROW(store->reconfigure(1024, {}, wall_now()));
}

// A process that has the file open, or mapped, keeps its right to this file.
TEST_F(SegmentStoreTest, RightToReadIsTakenAway_OpenFileGetsNoLaterToken) {
  const AccessConfig both{{"4242"}, {"4343"}};
  for (const bool at_start : {false, true}) {
    for (const AccessConfig& fewer : {AccessConfig{{}, {"4343"}}, AccessConfig{{"4242"}, {}}}) {
      SCOPED_TRACE(at_start);
      auto store = open(1024, both);
      store->publish(sample_record(store->generation() + 1, "the-token"), wall_now());
      std::ifstream before(file(), std::ios::binary);
      if (at_start) {
        store = open(1024, fewer);
        EXPECT_TRUE(store->adopted());
      } else {
        store->reconfigure(1024, fewer, wall_now());
      }
      EXPECT_THAT(bytes(), HasSubstr("the-token"));
      store->publish(sample_record(store->generation() + 1, "the-next-token"), wall_now());
      const std::string seen(std::istreambuf_iterator<char>(before), {});
      EXPECT_THAT(seen, Not(HasSubstr("token")));
      EXPECT_NE(reinterpret_cast<const layout::FileHeader*>(seen.data())->control & layout::state_retired, 0U);
    }
  }
}

TEST_F(SegmentStoreTest, RightToReadIsGiven_FileStays) {
  const auto store = open();
  store->publish(sample_record(7, "the-token"), wall_now());
  std::filesystem::create_hard_link(file(), aside());
  store->reconfigure(1024, {{"4242"}, {}}, wall_now());
  EXPECT_TRUE(std::filesystem::equivalent(file(), aside()));
  std::filesystem::remove(aside());  // a file with another name is not adopted
  struct stat before = {};
  struct stat after = {};
  ASSERT_EQ(::stat(file().c_str(), &before), 0);
  EXPECT_TRUE(open(1024, {{"4242"}, {"4343"}})->adopted());
  ASSERT_EQ(::stat(file().c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(SegmentStoreTest, FileIsRemoved_ReadersOfItKeepItsTokenUntilTheNext) {
  const auto store = open();
  store->publish(sample_record(7, "the-token"), wall_now());
  const auto removed = [&] {
    std::ifstream now(aside(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(now), {});
  };
  const auto is_retired = [](const std::string& all) {
    return (reinterpret_cast<const layout::FileHeader*>(all.data())->control & layout::state_retired) != 0;
  };
  std::filesystem::rename(file(), aside());  // as an open file: readable by another way
  store->heartbeat(wall_now());
  EXPECT_THAT(removed(), HasSubstr("the-token"));
  EXPECT_FALSE(is_retired(removed()));
  store->publish(sample_record(8, "the-next"), wall_now());
  EXPECT_TRUE(is_retired(removed()));
  EXPECT_THAT(removed(), Not(HasSubstr("the-token")));
  EXPECT_FALSE(is_retired(bytes()));
}

TEST_F(SegmentStoreTest, SegmentIsOfAnEarlierRun_EveryFieldIsAdopted) {
  Record record = sample_record(7, "the-token");
  record.previous = sample_previous(6, "the-one-before");
  record.expires_boot = from_boot_ms(7'000'000);
  record.previous->accept_until_boot = from_boot_ms(6'000'000);
  open()->publish(record, wall_now());

  const auto adopted = open()->adopted();
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted->generation, 7U);
  EXPECT_EQ(adopted->value.reveal(), "the-token");
  EXPECT_EQ(adopted->type, "Bearer");
  EXPECT_EQ(adopted->attributes, record.attributes);
  EXPECT_EQ(adopted->issued_at, record.issued_at);
  EXPECT_EQ(adopted->expires_at, record.expires_at);
  EXPECT_EQ(adopted->fetched_by, "host-1");
  ASSERT_TRUE(adopted->previous);
  EXPECT_EQ(adopted->previous->generation, 6U);
  EXPECT_EQ(adopted->previous->value.reveal(), "the-one-before");
  EXPECT_EQ(adopted->previous->accept_until, record.previous->accept_until);
  EXPECT_EQ(adopted->expires_boot, record.expires_boot);
  EXPECT_EQ(adopted->previous->accept_until_boot, record.previous->accept_until_boot);
}

// A directory on a disk outlives the boot, and an older agent may have made the file.
TEST_F(SegmentStoreTest, SegmentIsOfAnotherBootOrOfLayout10_IsReplacedWithItsToken) {
  const std::size_t minor = offsetof(layout::FileHeader, minor_version);
  const std::size_t boot_id = offsetof(layout::FileHeader, boot_id);
  for (const std::size_t changed : {minor, boot_id}) {
    SCOPED_TRACE(changed);
    Record record = sample_record(7, "the-token");
    record.expires_boot = from_boot_ms(1);
    open()->publish(record, wall_now());
    const char flipped = static_cast<char>(bytes()[changed] ^ 1);
    overwrite(changed, {&flipped, 1});
    struct stat before = {};
    struct stat after = {};
    ASSERT_EQ(::stat(file().c_str(), &before), 0);
    const auto adopted = open()->adopted();
    ASSERT_EQ(::stat(file().c_str(), &after), 0);
    ASSERT_TRUE(adopted);
    EXPECT_EQ(adopted->value.reveal(), "the-token");
    EXPECT_EQ(adopted->expires_boot, no_boot_end);
    EXPECT_NE(before.st_ino, after.st_ino);
    EXPECT_EQ(bytes()[minor], layout::minor_version);
  }
}

TEST_F(SegmentStoreTest, BootTimesAreDamaged_IsNotAdopted) {
  Record record = sample_record(7);
  record.expires_boot = from_boot_ms(7'000'000);
  open()->publish(record, wall_now());
  overwrite(layout::geometry_for(1024).slot_offset(1) + offsetof(layout::SlotHeader, expires_boot_ms), "\x7f");
  EXPECT_FALSE(open()->adopted());
}

TEST_F(SegmentStoreTest, SegmentIsAdopted_FileIsKeptAndWaitersAreWoken) {
  open()->publish(sample_record(7), wall_now());
  struct stat before = {};
  struct stat after = {};
  ASSERT_EQ(::stat(file().c_str(), &before), 0);
  const std::string was = bytes();
  const auto store = open();
  ASSERT_EQ(::stat(file().c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  const std::string now = bytes();
  EXPECT_GT(reinterpret_cast<const layout::FileHeader*>(now.data())->wake,
            reinterpret_cast<const layout::FileHeader*>(was.data())->wake);
  EXPECT_EQ(reinterpret_cast<const layout::FileHeader*>(now.data())->control,
            reinterpret_cast<const layout::FileHeader*>(was.data())->control);
}

TEST_F(SegmentStoreTest, IdleSlotHasLeftovers_AdoptionWipesThem) {
  open()->publish(sample_record(7), wall_now());
  const layout::Geometry geometry = layout::geometry_for(1024);
  overwrite(geometry.content_offset(0), "half-written-secret");  // publication 1 is in slot 1
  ASSERT_THAT(bytes(), HasSubstr("half-written-secret"));
  const auto store = open();
  EXPECT_TRUE(store->adopted());
  EXPECT_THAT(bytes(), testing::Not(HasSubstr("half-written-secret")));
}

TEST_F(SegmentStoreTest, GenerationIsOlder_IsRefusedAndTheSameIsAccepted) {
  const auto store = open();
  store->publish(sample_record(7, "seven"), wall_now());
  EXPECT_THROW(store->publish(sample_record(6, "six"), wall_now()), Error);
  store->publish(sample_record(7, "seven-again"), wall_now());
  EXPECT_EQ(open()->adopted()->value.reveal(), "seven-again");
}

TEST_F(SegmentStoreTest, GenerationIsOlderThanTheAdoptedOne_IsRefused) {
  open()->publish(sample_record(7), wall_now());
  EXPECT_THROW(open()->publish(sample_record(6), wall_now()), Error);
}

TEST_F(SegmentStoreTest, RecordDoesNotFit_IsRefusedAndTheOldTokenIsKept) {
  const auto store = open(64);
  store->publish(sample_record(1, "small"), wall_now());
  const std::string large(65, 'x');
  try {
    store->publish(sample_record(2, large), wall_now());
    FAIL() << "was taken";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("65 bytes"));
    EXPECT_THAT(e.what(), HasSubstr("capacity"));
    EXPECT_THAT(e.what(), testing::Not(HasSubstr("xxx")));
  }
  Record record = sample_record(2, "ok");
  record.type = std::string(64, 't');
  EXPECT_THROW(store->publish(record, wall_now()), Error);
  record = sample_record(2, "ok");
  record.attributes["long"] = std::string(5000, 'a');
  EXPECT_THROW(store->publish(record, wall_now()), Error);
  EXPECT_EQ(open(64)->adopted()->value.reveal(), "small");
}

TEST_F(SegmentStoreTest, RecordFillsTheCapacity_IsPublished) {
  const std::string value(64, 'x');
  Record record = sample_record(2, value);
  record.type = std::string(63, 't');
  record.fetched_by = std::string(300, 'h');  // is cut
  record.previous = sample_previous(1, std::string(64, 'p'));
  open(64)->publish(record, wall_now());
  const auto adopted = open(64)->adopted();
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted->value.reveal(), value);
  EXPECT_EQ(adopted->type.size(), 63U);
  EXPECT_EQ(adopted->previous->value.size(), 64U);
  EXPECT_EQ(adopted->fetched_by.size(), 255U);
}

TEST_F(SegmentStoreTest, OverlapHasEnded_PreviousTokenIsNotWritten) {
  const auto store = open();
  Record record = sample_record(2, "current");
  record.previous = PreviousToken{SecretString("long-gone"), 1, wall_now() - 1s};
  store->publish(record, wall_now());
  EXPECT_THAT(bytes(), testing::Not(HasSubstr("long-gone")));
  EXPECT_FALSE(open()->adopted()->previous);
}

TEST_F(SegmentStoreTest, OverlapEnds_NoByteOfThePreviousTokenIsLeft) {
  const std::string first = "the-first-of-three-tokens";
  const std::string second = "the-second-of-three-tokens";
  const auto store = open();
  store->publish(sample_record(1, first), wall_now());
  Record next = sample_record(2, second);
  next.previous = test::sample_previous(1, first);
  store->publish(next, wall_now());
  EXPECT_NE(bytes().find(first), std::string::npos);  // inside its overlap
  next.previous.reset();                              // what the agent publishes at its end
  store->publish(next, wall_now());
  EXPECT_EQ(bytes().find("the-first"), std::string::npos);
  EXPECT_NE(bytes().find(second), std::string::npos);
  store->publish(sample_record(3, "third"), wall_now());
  EXPECT_EQ(bytes().find("of-three-tokens"), std::string::npos);
}

TEST_F(SegmentStoreTest, TokenExpires_StateOfTheSamePublicationChanges) {
  const auto store = open();
  store->publish(sample_record(1), wall_now());
  EXPECT_EQ(state(), layout::state_valid);
  store->mark_expired();
  EXPECT_EQ(state(), layout::state_expired);
  const std::string once = bytes();
  store->mark_expired();
  EXPECT_EQ(bytes(), once);
}

TEST_F(SegmentStoreTest, TokenHasExpired_IsPublishedAsExpired) {
  Record record = sample_record(1);
  record.expires_at = wall_now() - 1s;
  open()->publish(record, wall_now());
  EXPECT_EQ(state(), layout::state_expired);
}

TEST_F(SegmentStoreTest, TokenExpiredBetweenTwoRuns_IsAdoptedAsExpired) {
  open()->publish(sample_record(1), wall_now());
  const SegmentStore later(runtime, {"api", 1024, {}, Policy::warn}, wall_now() + 2h);
  EXPECT_EQ(state(), layout::state_expired);
  EXPECT_TRUE(later.adopted());
}

TEST_F(SegmentStoreTest, HeartbeatIsSet_IsWrittenToTheHeader) {
  const auto store = open();
  store->heartbeat(from_unix_ms(123456));
  EXPECT_EQ(reinterpret_cast<const layout::FileHeader*>(bytes().data())->heartbeat_ms, 123456);
}

TEST_F(SegmentStoreTest, SegmentIsRetired_FileIsGoneAndPublishingFails) {
  const auto store = open();
  store->publish(sample_record(1), wall_now());
  store->retire();
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_THROW(store->publish(sample_record(2), wall_now()), Error);
}

TEST_F(SegmentStoreTest, TokenIsDamaged_IsNotAdopted) {
  open()->publish(sample_record(1, "good-value"), wall_now());
  overwrite(layout::geometry_for(1024).content_offset(1), "evil");
  const auto store = open();
  EXPECT_FALSE(store->adopted());
  store->publish(sample_record(1, "new-value"), wall_now());
  EXPECT_EQ(open()->adopted()->value.reveal(), "new-value");
}

TEST_F(SegmentStoreTest, HeaderIsDamaged_IsNotAdopted) {
  open()->publish(sample_record(1), wall_now());
  overwrite(8, std::string_view("\x02", 1));  // major version 2
  EXPECT_FALSE(open()->adopted());
  EXPECT_EQ(bytes()[8], 1);
}

// An operator looks for the lines about a token by its field.
TEST_F(SegmentStoreTest, SegmentIsReplacedOrMadeAnew_LineHasTheToken) {
  open()->publish(sample_record(1), wall_now());
  overwrite(8, std::string_view("\x02", 1));  // major version 2
  testing::internal::CaptureStderr();
  const auto store = open();
  std::filesystem::remove(file());
  store->heartbeat(wall_now());
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("a new one replaces it token=api segment="));
  EXPECT_THAT(log, HasSubstr("the agent created it again token=api segment="));
}

TEST_F(SegmentStoreTest, SegmentIsOfAnotherToken_IsNotAdopted) {
  SegmentStore(runtime, {"other", 1024, {}, Policy::warn}, wall_now()).publish(sample_record(1), wall_now());
  std::filesystem::rename(runtime.segment_path("other"), file());
  EXPECT_FALSE(open()->adopted());
}

TEST_F(SegmentStoreTest, NameIsNoFileName_IsRefused) {
  for (const char* name : {"../evil", ".hidden", ""}) {
    EXPECT_THROW(SegmentStore(runtime, {name, 1024, {}, Policy::warn}, wall_now()), Error) << name;
  }
}

}  // namespace
}  // namespace jeton::agent
