// The event descriptor where the host has no inotify left. The kernel's calls are replaced for the whole executable,
// and refuse only while a test says so: the real limits are those of everything that runs here.
#include <poll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "tests/support/eventually.hpp"
#include "tests/support/no_descriptors.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace {
std::atomic<bool> no_instance{false};
std::atomic<bool> no_watch{false};
}  // namespace

extern "C" int inotify_init1(int flags) noexcept {
  if (!no_instance) return static_cast<int>(::syscall(SYS_inotify_init1, flags));
  errno = EMFILE;
  return -1;
}

extern "C" int inotify_add_watch(int fd, const char* name, std::uint32_t mask) noexcept {
  if (!no_watch) return static_cast<int>(::syscall(SYS_inotify_add_watch, fd, name, mask));
  errno = ENOSPC;
  return -1;
}

namespace jeton::test {
namespace {

class EventFdLimit : public ClientTest {
 protected:
  void TearDown() override {
    no_instance = no_watch = false;
    if (fd >= 0) ::close(fd);
  }
  // Waits for the descriptor as an event loop does.
  void expect_next_token(const TokenPtr& token, const std::string& value) {
    EXPECT_TRUE(eventually([&] {
      pollfd waiting{fd, POLLIN, 0};
      return ::poll(&waiting, 1, 1000) == 1 && jeton_event_clear(token.get(), fd) == JETON_OK && read(token) == value;
    }));
  }
  void expect_changes_are_seen() {
    make_store(1024);
    publish(3);
    const TokenPtr token = must_open();
    ASSERT_EQ(jeton_event_fd(token.get(), &fd), JETON_OK);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    publish(4, "newer");
    expect_next_token(token, "newer");
    store->reconfigure(4096, {}, wall_now());
    publish(5, "of-the-new-file");
    expect_next_token(token, "of-the-new-file");
  }
  int fd = -1;
};

TEST_F(EventFdLimit, NoInotifyInstanceIsLeft_ChangesAreSeenAllTheSame) {
  no_instance = true;
  expect_changes_are_seen();
}

TEST_F(EventFdLimit, NoInotifyWatchIsLeft_ChangesAreSeenAllTheSame) {
  no_watch = true;
  expect_changes_are_seen();
}

TEST_F(EventFdLimit, ProcessHasNoDescriptorLeft_IsSaid) {
  make_store();
  const TokenPtr token = must_open();
  const NoDescriptors limit;
  EXPECT_EQ(jeton_event_fd(token.get(), &fd), JETON_SYSTEM_ERROR);
  EXPECT_EQ(errno, EMFILE);
  EXPECT_EQ(fd, -1);
}

}  // namespace
}  // namespace jeton::test
