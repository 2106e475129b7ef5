// The local coordinator: its files, and two of it on one directory.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "agent/base/error.hpp"
#include "tests/integration/backends/coordination_testing.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

class LocalCoordination : public testing::Test {
 protected:
  test::Loop loop;
  test::TempDir dir;
  std::filesystem::path state_dir = dir / "coordination";
  const std::unique_ptr<Coordinator> made = make_local_coordinator(loop.timers, loop.random, state_dir);
  Coordinator& coordinator = *made;
  test::Caller call{loop, coordinator};
};

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

TEST_F(LocalCoordination, RecordIsPublished_DirectoryAndFilesArePrivate) {
  const Lease lease = call.acquire(60s);
  call.publish(make_record(loop, lease.fence, "s3cret"), lease);
  EXPECT_EQ(mode_of(state_dir), 0700U);
  for (const auto& entry : std::filesystem::directory_iterator(state_dir)) {
    EXPECT_EQ(mode_of(entry.path()), 0600U) << entry.path();
  }
}

TEST_F(LocalCoordination, DirectoryIsTooOpen_IsMadePrivate) {
  std::filesystem::create_directory(state_dir);
  ASSERT_EQ(::chmod(state_dir.c_str(), 0777), 0);
  static_cast<void>(call.load());
  EXPECT_EQ(mode_of(state_dir), 0700U);
}

TEST_F(LocalCoordination, TwoUseOneDirectory_ExcludeEachOtherAndShareTheRecord) {
  const auto second = make_local_coordinator(loop.timers, loop.random, state_dir);
  test::Caller other(loop, *second);
  const Lease lease = call.acquire(60s);
  EXPECT_FALSE(other.try_acquire(60s).lease);
  EXPECT_TRUE(call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_EQ(other.load()->value, SecretString("x"));
  const Lease theirs = other.acquire(60s);
  EXPECT_GT(theirs.fence, lease.fence);
  EXPECT_FALSE(call.try_acquire(60s).lease);
}

TEST_F(LocalCoordination, TokenIsNoLongerConfigured_ItsFilesAreRemoved) {
  const Lease lease = call.acquire(60s);
  ASSERT_TRUE(call.publish(test::make_record(loop, lease.fence, "s3cret"), lease).stored);
  const auto file = dir / "coordination" / "t.json";
  std::filesystem::copy_file(file, file.string() + ".new");
  coordinator.prune_except({"t"});
  EXPECT_TRUE(std::filesystem::exists(file));
  coordinator.prune_except({"other"});
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".new"));
}

TEST_F(LocalCoordination, Stopped_ItsLocksAreFree) {
  const auto second = make_local_coordinator(loop.timers, loop.random, state_dir);
  test::Caller other(loop, *second);
  call.acquire(60s);
  coordinator.stop();
  other.acquire(60s);
}

TEST_F(LocalCoordination, LockFileWasRemoved_LockIsLostAtItsRenewal) {
  Lease lease = call.acquire(60s);
  std::filesystem::remove(state_dir / "t.lock");
  EXPECT_FALSE(call.renew(lease));
  call.acquire(60s);
}

TEST_F(LocalCoordination, StateIsCorrupt_LockIsGivenWithAHigherFence) {
  const Lease lease = call.acquire(60s);
  call.release(lease);
  dir.write("coordination/t.json", "garbage");
  const AcquireResult result = call.try_acquire(60s);
  ASSERT_TRUE(result.lease);
  EXPECT_GT(result.lease->fence, lease.fence);
}

TEST_F(LocalCoordination, DirectoryIsALinkOrNameIsUnsafe_IsATransportError) {
  std::filesystem::create_symlink(dir.path(), state_dir);
  EXPECT_THROW(static_cast<void>(call.load()), TransportError);
  EXPECT_FALSE(coordinator.health().reachable);
  EXPECT_THAT(coordinator.health().last_error, testing::HasSubstr("not a directory"));
  std::filesystem::remove(state_dir);
  EXPECT_FALSE(call.load());
  EXPECT_TRUE(coordinator.health().reachable);
  EXPECT_THROW(call.try_acquire(1s, "../x"), TransportError);
}

TEST_F(LocalCoordination, FenceCannotBeStored_LeaseIsNotGiven) {
  std::filesystem::create_directories(state_dir / "t.json.new" / "in-the-way");
  EXPECT_THROW(call.try_acquire(60s), TransportError);
  std::filesystem::remove_all(state_dir / "t.json.new");
  call.acquire(60s);
}

TEST_F(LocalCoordination, ListenerIsReplaced_OnlyTheNewOneHearsOfTheGap) {
  test::RecordingListener listener;
  coordinator.subscribe("t", &listener);
  coordinator.subscribe("t", nullptr);
  test::RecordingListener next;
  coordinator.subscribe("t", &next);
  EXPECT_TRUE(loop.turn_until([&] { return next.gaps == 1; }));
  EXPECT_EQ(listener.gaps, 0);
  coordinator.clock_stepped();
  EXPECT_TRUE(loop.turn_until([&] { return next.gaps == 2; }));
}

}  // namespace
}  // namespace jeton::agent
