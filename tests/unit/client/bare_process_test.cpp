// A process that lost what a library likes to rely on: it was forked, and every descriptor was closed behind its back.
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "tests/fault/segment/child.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

class BareProcess : public ClientTest {
 protected:
  void SetUp() override {
    make_store();
    publish(1, "one");
  }
  // All but the pipe to the parent.
  static bool close_descriptors(int keep) {
    if (::syscall(SYS_close_range, 0U, static_cast<unsigned>(keep) - 1, 0U) == 0 &&
        ::syscall(SYS_close_range, static_cast<unsigned>(keep) + 1, UINT_MAX, 0U) == 0) {
      return true;
    }
    for (int fd = 0; fd < 4096; ++fd) {
      if (fd != keep) ::close(fd);
    }
    return true;
  }
};

TEST_F(BareProcess, ForkedChildClosedEveryDescriptor_ReadsAndWaitsGoOn) {
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  ASSERT_EQ(current(reader), "one");
  Child child([&](int to_parent) {
    close_descriptors(to_parent);
    if (read(token) != "one" || current(reader) != "one") return 1;
    int events = -1;
    if (jeton_event_fd(token.get(), &events) != JETON_OK) return 2;
    tell_ready(to_parent);
    std::uint64_t generation = 0;
    if (jeton_wait_change(token.get(), 1, -1, &generation) != JETON_OK || generation != 2) return 3;
    if (read(token) != "two" || current(reader) != "two") return 4;
    pollfd readable = {events, POLLIN, 0};
    if (::poll(&readable, 1, -1) != 1 || jeton_event_clear(token.get(), events) != JETON_OK) return 5;
    // The descriptors with these numbers are now the application's: nothing of the library's may touch it.
    if (jeton_rejected(token.get(), 2, nullptr) != JETON_NO_AGENT) return 6;
    tell_ready(to_parent);
    // A replacement opens the name again.
    if (jeton_wait_change(token.get(), 2, -1, nullptr) != JETON_OK) return 7;
    return read(token) == "three" && current(reader) == "three" ? 0 : 8;
  });
  ASSERT_TRUE(child.ready());
  publish(2, "two");
  ASSERT_TRUE(child.ready()) << child.wait();
  store->reconfigure(4096, {}, wall_now());
  publish(3, "three");
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(current(reader), "three");  // and the parent's is its own
}

TEST_F(BareProcess, ForkedChildStartsAProgram_NoDescriptorIsInherited) {
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  ASSERT_EQ(current(reader), "one");
  int events = -1;
  ASSERT_EQ(jeton_event_fd(token.get(), &events), JETON_OK);
  const std::string path = directory();
  // The program looks for the segment and its directory among its descriptors and mappings.
  const std::string mine = "-e inotify -e '" + path + "$' -e '" + path + "/segments'";
  const std::string script = "! ls -l /proc/self/fd | grep " + mine + " && ! grep " + mine + " /proc/self/maps";
  Child child([&](int) {
    if (current(reader) != "one") return 1;
    ::execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
    return 2;
  });
  EXPECT_EQ(child.wait(), 0);
  ::close(events);
  EXPECT_EQ(current(reader), "one");
}

}  // namespace
}  // namespace jeton::test
