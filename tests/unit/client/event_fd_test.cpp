#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "tests/support/eventually.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

class EventFd : public ClientTest {
 protected:
  void TearDown() override {
    if (fd >= 0) ::close(fd);
  }
  void watch(const TokenPtr& token) { ASSERT_EQ(jeton_event_fd(token.get(), &fd), JETON_OK); }
  [[nodiscard]] bool readable(int timeout_ms = 0) const {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, timeout_ms) == 1;
  }
  void clear(const TokenPtr& token) {
    ASSERT_EQ(jeton_event_clear(token.get(), fd), JETON_OK);
    ASSERT_FALSE(readable());
  }
  static constexpr int patiently_ms = 30'000;
  int fd = -1;
};

TEST_F(EventFd, TokenIsPublished_IsReadableUntilCleared) {
  make_store();
  const TokenPtr token = must_open();
  watch(token);
  EXPECT_FALSE(readable());
  for (agent::Generation generation = 3; generation < 6; ++generation) {
    publish(generation);
    EXPECT_TRUE(readable(patiently_ms));
    clear(token);
    jeton_info info = JETON_INFO_INIT;
    ASSERT_EQ(jeton_inspect(token.get(), &info), JETON_OK);
    EXPECT_EQ(info.generation, generation);
  }
}

TEST_F(EventFd, StateChanges_IsReadable) {
  make_store();
  publish(3);
  const TokenPtr token = must_open();
  watch(token);
  store->mark_rejected();
  EXPECT_TRUE(readable(patiently_ms));
  clear(token);
  store->mark_expired();
  EXPECT_TRUE(readable(patiently_ms));
}

TEST_F(EventFd, SegmentIsReplaced_NewFileIsWatched) {
  make_store(1024);
  publish(3);
  const TokenPtr token = must_open();
  watch(token);
  store->reconfigure(4096, {}, wall_now());
  EXPECT_TRUE(readable(patiently_ms));
  clear(token);
  publish(4, "of-the-new-file");
  EXPECT_TRUE(readable(patiently_ms)) << "it watches the old file";
  EXPECT_EQ(read(token), "of-the-new-file");
}

TEST_F(EventFd, SegmentAppears_IsReadable) {
  const TokenPtr token = must_open(JETON_ALLOW_MISSING);
  watch(token);
  EXPECT_FALSE(readable());
  make_store();
  EXPECT_TRUE(readable(patiently_ms));
  clear(token);
  publish(3, "first");
  EXPECT_TRUE(readable(patiently_ms));
  EXPECT_EQ(read(token), "first");
}

TEST_F(EventFd, DirectoryAppears_IsReadable) {
  runtime.reset();
  std::filesystem::remove_all(dir / "run");
  const TokenPtr token = must_open(JETON_ALLOW_MISSING);
  watch(token);
  runtime = std::make_unique<agent::RuntimeDir>(dir / "run", agent::Policy::warn);
  make_store();
  publish(3, "first");
  EXPECT_TRUE(eventually(
      [&] { return readable(100) && jeton_event_clear(token.get(), fd) == JETON_OK && read(token) == "first"; }));
  clear(token);
  publish(4, "second");
  EXPECT_TRUE(readable(patiently_ms));
}

TEST_F(EventFd, TokenIsRetired_IsReadable) {
  make_store();
  publish(3);
  const TokenPtr token = must_open();
  watch(token);
  store->retire();
  EXPECT_TRUE(readable(patiently_ms));
}

TEST_F(EventFd, ProgramIsStarted_IsNotInherited) {
  make_store();
  const TokenPtr token = must_open();
  watch(token);
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace jeton::test
