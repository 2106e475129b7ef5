// The futex word itself: it wraps, and wakes nobody wrongly.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <thread>

#include "libclient/layout/access.hpp"
#include "tests/support/eventually.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

class WakeWord : public ClientTest {
 protected:
  void SetUp() override {
    make_store();
    publish(1);
    const int fd = ::open(file().c_str(), O_RDWR | O_CLOEXEC);
    void* base = ::mmap(nullptr, sizeof(layout::FileHeader), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    ASSERT_NE(base, MAP_FAILED);
    header = static_cast<layout::FileHeader*>(base);
  }
  void TearDown() override { ::munmap(header, sizeof(layout::FileHeader)); }
  // Wakes every sleeper; how many that were.
  [[nodiscard]] long wake() const {
    return ::syscall(SYS_futex, &header->wake, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
  layout::FileHeader* header = nullptr;
};

TEST_F(WakeWord, WordWrapsAround_EveryPublicationWakesTheWaiter) {
  __atomic_store_n(&header->wake, UINT32_MAX - 2, __ATOMIC_RELEASE);
  const TokenPtr token = must_open();
  for (agent::Generation next = 2; next < 8; ++next) {
    std::atomic<bool> waiting{false};
    std::uint64_t generation = 0;
    jeton_status status = JETON_BUSY;
    std::thread waiter([&] {
      waiting = true;
      status = jeton_wait_change(token.get(), next - 1, -1, &generation);
    });
    ASSERT_TRUE(eventually([&] { return waiting.load(); }));
    publish(next);
    waiter.join();
    EXPECT_EQ(status, JETON_OK);
    EXPECT_EQ(generation, next);
  }
  EXPECT_LT(layout::load_acquire(header->wake), 8U);  // it did wrap
}

TEST_F(WakeWord, WakeUpHasNoReason_WaitGoesOn) {
  const TokenPtr token = must_open();
  std::atomic<bool> returned{false};
  std::thread waiter([&] {
    EXPECT_EQ(jeton_wait_change(token.get(), 1, -1, nullptr), JETON_OK);
    returned = true;
  });
  long woken = 0;
  EXPECT_TRUE(eventually([&] { return (woken += wake()) >= 20; }));
  // The word moves, and nothing else does.
  for (int i = 0; i < 20; ++i) {
    layout::increment_release(header->wake);
    static_cast<void>(wake());
  }
  EXPECT_TRUE(eventually([&] { return wake() > 0; }));  // it sleeps again
  EXPECT_FALSE(returned);
  publish(2);
  waiter.join();
}

}  // namespace
}  // namespace jeton::test
