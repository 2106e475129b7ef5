// The news of a lock, where an event loop waits for it and other calls look at the lock as well.
#include <poll.h>

#include <functional>

#include "libclient/src/lock_handle.hpp"
#include "tests/integration/client_locks/client_host.hpp"

namespace jeton::test {
namespace {

bool is_readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return ::poll(&ready, 1, 0) == 1;
}

bool is_held(const Lock& lock) {
  const client::LockGuard guard(*lock.handle());
  return lock.handle()->state == client::LockState::held;
}

TEST_F(Locks, AnotherCallLookedFirst_DescriptorIsReadableUntilItIsChecked) {
  const std::vector<std::function<void(Lock&)>> others{
      [](Lock& one) { static_cast<void>(one.event_fd()); },
      [](Lock& one) { static_cast<void>(one.lost()); },
      [](Lock& one) { EXPECT_EQ(one.start(), JETON_INVALID_ARGUMENT); },
      [](Lock& one) { static_cast<void>(one.extend(seconds(60))); },
  };
  for (const auto& other : others) {
    Lock one = lock();
    ASSERT_TRUE(one.start(patience).ok());
    EXPECT_TRUE(eventually([&] {
      other(one);
      return is_held(one);
    }));
    const int fd = one.event_fd();
    EXPECT_TRUE(is_readable(fd));
    EXPECT_FALSE(one.lost());
    EXPECT_TRUE(is_readable(fd)) << "a watchdog in another thread takes it from nobody";
    EXPECT_EQ(one.check(), JETON_OK);
    // Renewals are news, too.
    EXPECT_TRUE(eventually([&] { return one.check().ok() && !is_readable(fd); })) << one.reason();
    EXPECT_TRUE(one.unlock().ok()) << one.reason();
    EXPECT_FALSE(is_readable(fd));
  }
}

// Another coroutine waits for the descriptor.
TEST_F(Locks, WaitIsEndedByARelease_DescriptorTellsItOnce) {
  Lock holder = lock();
  ASSERT_TRUE(holder.lock_for(patience));
  Lock one = lock();
  ASSERT_TRUE(one.start(patience).ok());
  const int fd = one.event_fd();
  ASSERT_TRUE(eventually([&] { return one.check() == JETON_LOCK_WAITING && !is_readable(fd); }));
  EXPECT_EQ(one.unlock(), JETON_LOCK_NOT_HELD);
  EXPECT_TRUE(is_readable(fd));
  EXPECT_EQ(one.check(), JETON_LOCK_NOT_HELD);
  EXPECT_FALSE(is_readable(fd));
  ASSERT_TRUE(holder.unlock().ok());
  EXPECT_TRUE(one.lock_for(patience)) << one.reason();
}

// It would sleep on if another thread read what is to wake it.
TEST_F(Locks, ThreadSleepsInAcquire_NewsIsLeftToIt) {
  Lock one = lock();
  ASSERT_TRUE(one.start(patience).ok());
  const int fd = one.event_fd();
  one.handle()->awaited = true;
  ASSERT_TRUE(eventually([&] { return is_readable(fd); }));
  EXPECT_EQ(one.check(), JETON_LOCK_WAITING);
  EXPECT_TRUE(is_readable(fd));
  one.handle()->awaited = false;
  EXPECT_TRUE(eventually([&] { return one.check().ok(); })) << one.reason();
}

}  // namespace
}  // namespace jeton::test
