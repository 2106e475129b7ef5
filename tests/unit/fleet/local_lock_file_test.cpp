#include "agent/fleet/local/local_lock_file.hpp"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

TEST(LocalLockFiles, LockLastsForCenturies_IsFree) {
  const test::TempDir directory;
  const BootTime present{1h};
  LocalLockFiles files(directory / "locks");
  EXPECT_TRUE(files.load(present).empty());
  LocalLock lock;
  lock.owner = "someone";
  lock.expires_at = present + 24h * 365;
  files.save("year", lock);
  lock.expires_at = BootTime::max();
  files.save("centuries", lock);
  const auto found = files.load(present);
  EXPECT_TRUE(found.contains("year"));
  EXPECT_FALSE(found.contains("centuries"));
}

}  // namespace
}  // namespace jeton::agent
