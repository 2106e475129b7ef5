// The replacement of a file that has the segment's name and cannot be used unchanged.
#include <acl/libacl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/acl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>

#include "agent/base/error.hpp"
#include "agent/segment/segment_store.hpp"
#include "libclient/layout/geometry.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::agent {
namespace {

namespace fs = std::filesystem;
using test::sample_record;
using test::wall_now;
using testing::HasSubstr;

class Replacement : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<SegmentStore> open(std::size_t capacity = 1024, const AccessConfig& access = {}) {
    return std::make_unique<SegmentStore>(runtime, SegmentOptions{"api", capacity, access, Policy::warn}, wall_now());
  }
  [[nodiscard]] fs::path file() const { return runtime.segment_path("api"); }
  void expect_only_the_segment() const {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(runtime.path() / "segments"))
      files.push_back(entry.path().filename());
    EXPECT_THAT(files, testing::ElementsAre("api"));
  }
  void expect_usable() {
    auto store = open();
    store->publish(sample_record(9, "works"), wall_now());
    EXPECT_EQ(open()->adopted()->value.reveal(), "works");
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(file())));
    expect_only_the_segment();
  }

  test::TempDir dir;
  RuntimeDir runtime{dir / "run", Policy::warn};
};

TEST_F(Replacement, TokenLastsForCenturies_IsNotAdopted) {
  Record record = sample_record(5, "forged");
  record.expires_at = wall_now() + std::chrono::years(300);
  open()->publish(record, wall_now());
  EXPECT_FALSE(open()->adopted());
  expect_usable();
}

TEST_F(Replacement, CapacityIsRaised_TokenIsKept) {
  open(1024)->publish(sample_record(5, "kept"), wall_now());
  const auto store = open(4096);
  ASSERT_TRUE(store->adopted());
  EXPECT_EQ(store->adopted()->value.reveal(), "kept");
  store->publish(sample_record(6, std::string(4096, 'x')), wall_now());
  expect_only_the_segment();
}

TEST_F(Replacement, CapacityIsBelowTheToken_TokenIsKept) {
  open(1024)->publish(sample_record(5, std::string(500, 'x')), wall_now());
  EXPECT_EQ(open(100)->adopted()->value.size(), 500U);
  EXPECT_EQ(open(100)->adopted()->value.size(), 500U);
  const auto store = open(100);
  store->publish(sample_record(6, "short"), wall_now());
  EXPECT_EQ(open(100)->adopted()->value.reveal(), "short");
  EXPECT_EQ(fs::file_size(file()), layout::geometry_for(100).segment_size);
}

TEST_F(Replacement, SegmentIsReconfigured_CapacityChangesAndTokenIsKept) {
  const auto store = open(64);
  store->publish(sample_record(5, "kept"), wall_now());
  store->reconfigure(256, {}, wall_now());
  EXPECT_EQ(open(256)->adopted()->value.reveal(), "kept");
  store->publish(sample_record(6, std::string(200, 'x')), wall_now());
  EXPECT_EQ(open(256)->adopted()->value.size(), 200U);
  expect_only_the_segment();
}

TEST_F(Replacement, ReconfigurationFails_NothingChanges) {
  const auto store = open(64);
  store->publish(sample_record(5, "kept"), wall_now());
  EXPECT_THROW(store->reconfigure(256, {{}, {"no-such-group-anywhere"}}, wall_now()), Error);
  expect_only_the_segment();
  EXPECT_EQ(fs::file_size(file()), layout::geometry_for(64).segment_size);
  store->publish(sample_record(6, "goes-on"), wall_now());
  EXPECT_EQ(open(64)->adopted()->value.reveal(), "goes-on");
}

TEST_F(Replacement, FileIsASymbolicLink_IsReplacedAndItsTargetIsKept) {
  const fs::path target = dir.write("target", "precious");
  fs::create_symlink(target, file());
  expect_usable();
  EXPECT_EQ(test::read_file(target), "precious");
}

TEST_F(Replacement, FileIsAFifo_IsReplacedWithoutWaiting) {
  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
  expect_usable();
}

TEST_F(Replacement, FileIsWritableByOthers_IsReplaced) {
  open()->publish(sample_record(1), wall_now());
  fs::permissions(file(), fs::perms(0660));
  EXPECT_FALSE(open()->adopted());
  expect_usable();
}

TEST_F(Replacement, FileHasAnotherHardLink_IsReplacedAndNotWrittenTo) {
  const fs::path elsewhere = dir.write("elsewhere", std::string(10'000, 'e'));
  fs::create_hard_link(elsewhere, file());
  expect_usable();
  EXPECT_EQ(test::read_file(elsewhere), std::string(10'000, 'e'));
}

TEST_F(Replacement, FileIsTooShort_IsReplaced) {
  { std::ofstream(file()) << "short"; }
  expect_usable();
}

TEST_F(Replacement, FileIsOfAnotherUser_IsReplaced) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a file of another user";
  open()->publish(sample_record(1), wall_now());
  ASSERT_EQ(::chown(file().c_str(), 65534, 65534), 0);
  EXPECT_FALSE(open()->adopted());
  expect_usable();
}

TEST_F(Replacement, PathIsADirectory_ErrorNamesIt) {
  fs::create_directories(file() / "inside");
  try {
    const auto store = open();
    FAIL() << "was taken";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr(file().string()));
    EXPECT_THAT(e.what(), HasSubstr("remove it"));
  }
}

TEST_F(Replacement, SegmentIsRemoved_NextHeartbeatRestoresIt) {
  const auto store = open();
  store->publish(sample_record(3, "still-here"), wall_now());
  fs::remove(file());
  store->heartbeat(wall_now());
  EXPECT_EQ(open()->adopted()->value.reveal(), "still-here");
}

TEST_F(Replacement, TokenIsNotConfigured_ItsSegmentIsRemoved) {
  open()->publish(sample_record(1), wall_now());
  SegmentStore(runtime, {"old", 1024, {}, Policy::warn}, wall_now()).publish(sample_record(1), wall_now());
  { std::ofstream(runtime.segment_path(".gone.tmp")) << "left over"; }
  runtime.retire_others({"api"});
  expect_only_the_segment();
  EXPECT_TRUE(open()->adopted());
}

TEST_F(Replacement, GroupIsUnknown_ErrorNamesIt) {
  try {
    const auto store = open(1024, {{}, {"no-such-group-anywhere"}});
    FAIL() << "was taken";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("no-such-group-anywhere"));
  }
  EXPECT_TRUE(fs::is_empty(runtime.path() / "segments"));
}

TEST_F(Replacement, UserIsUnknown_IsAnError) {
  EXPECT_THROW(static_cast<void>(open(1024, {{"no-such-user-anywhere"}, {}})), Error);
}

std::string acl_of(const fs::path& file) {
  acl_t acl = ::acl_get_file(file.c_str(), ACL_TYPE_ACCESS);
  char* text = ::acl_to_any_text(acl, nullptr, ',', TEXT_NUMERIC_IDS);
  std::string result = text;
  ::acl_free(text);
  ::acl_free(acl);
  return result;
}

TEST_F(Replacement, ReadersAreNamesOrNumbers_OnlyTheyAreInTheAcl) {
  const auto store = open(1024, {{"nobody", "12345"}, {"root", "54321", "54321"}});
  EXPECT_EQ(acl_of(file()),
            "user::rw-,user:12345:r--,user:65534:r--,group::---,group:0:r--,group:54321:r--,mask::r--,other::---");
}

TEST_F(Replacement, AccessListChanges_IsAppliedToTheAdoptedFile) {
  open(1024, {{"12345"}, {}})->publish(sample_record(1), wall_now());
  const auto store = open(1024, {{}, {"54321"}});
  EXPECT_TRUE(store->adopted());
  EXPECT_EQ(acl_of(file()), "user::rw-,group::---,group:54321:r--,mask::r--,other::---");
  store->reconfigure(1024, {}, wall_now());
  EXPECT_EQ(acl_of(file()), "user::rw-,group::---,other::---");
}

TEST_F(Replacement, ReadersAreConfigured_OnlyTheyCanOpenTheFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  fs::permissions(dir.path(), fs::perms(0755));
  const auto store = open(1024, {{"12345"}, {"54321"}});
  const auto read_as = [&](uid_t user, gid_t group) {
    test::ProcessOptions options;
    options.uid = user;
    options.gid = group;
    return test::run({"head", "-c1", file().string()}, options).status;
  };
  EXPECT_EQ(read_as(12345, 1), 0);
  EXPECT_EQ(read_as(777, 54321), 0);
  EXPECT_NE(read_as(777, 778), 0);
}

// A tmpfs of 64 KiB.
class TinyTmpfs : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a tmpfs";
    if (::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=64k,mode=755") != 0) {
      GTEST_SKIP() << "this machine does not let root mount a tmpfs";
    }
    mounted = true;
  }
  void TearDown() override {
    if (mounted) ::umount2(dir.path().c_str(), MNT_DETACH);
  }
  test::TempDir dir;
  bool mounted = false;
};

TEST_F(TinyTmpfs, TmpfsIsFull_IsAnErrorAndNoBusError) {
  RuntimeDir runtime(dir / "run", Policy::refuse);  // it is a tmpfs
  try {
    const SegmentStore store(runtime, {"api", 1024 * 1024, {}, Policy::warn}, wall_now());
    FAIL() << "was made";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("No space left"));
  }
  EXPECT_TRUE(fs::is_empty(runtime.path() / "segments"));
  SegmentStore small(runtime, {"api", 1024, {}, Policy::warn}, wall_now());
  small.publish(sample_record(1, "fits"), wall_now());
  EXPECT_THROW(small.reconfigure(1024 * 1024, {}, wall_now()), Error);
  small.publish(sample_record(2, "still fits"), wall_now());
}

// Its mutex may have been locked when it was killed.
TEST_F(TinyTmpfs, TmpfsIsFullWhenAnAgentStarts_ItsSegmentsAreWritten) {
  const pid_t child = ::fork();
  if (child == 0) {
    RuntimeDir runtime(dir / "run", Policy::refuse);
    SegmentStore store(runtime, {"api", 1024, {}, Policy::warn}, wall_now());
    store.publish(sample_record(1, "before"), wall_now());
    const WriterMutex::Guard guard(runtime.writer_mutex());
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  {
    std::ofstream filler(dir / "filler");
    for (const std::string page(4096, 'x'); filler.write(page.data(), 4096).flush();) {
    }
  }
  RuntimeDir runtime(dir / "run", Policy::refuse);
  SegmentStore store(runtime, {"api", 1024, {}, Policy::warn}, wall_now());
  ASSERT_TRUE(store.adopted());
  EXPECT_EQ(store.adopted()->value.reveal(), "before");
  store.publish(sample_record(2, "behind"), wall_now());
  EXPECT_EQ(store.generation(), 2U);
}

}  // namespace
}  // namespace jeton::agent
