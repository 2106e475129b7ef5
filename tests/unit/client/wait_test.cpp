#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "tests/support/eventually.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t long_enough_ms = 60'000;

class Wait : public ClientTest {
 protected:
  void SetUp() override { make_store(); }
  // Runs `wait` in a thread and returns when that thread sleeps in the kernel or has returned.
  template <typename F>
  std::thread waiting(F wait) {
    std::atomic<pid_t> id{0};
    std::thread thread([&id, wait] {
      id = ::gettid();
      wait();
    });
    // `id` is not touched by the thread after it was set.
    EXPECT_TRUE(eventually([&] { return id != 0 && is_asleep(id); }));
    return thread;
  }
  static bool is_asleep(pid_t id) {
    const std::filesystem::path stat = "/proc/self/task/" + std::to_string(id) + "/stat";
    if (!std::filesystem::exists(stat)) return true;  // returned already
    const std::string text = read_file(stat);
    const auto end = text.rfind(')');
    return end != std::string::npos && text.substr(end, 3) == ") S";
  }
};

TEST_F(Wait, ThereIsAValidToken_ReturnsAtOnce) {
  publish(3);
  const TokenPtr token = must_open();
  EXPECT_EQ(jeton_wait_valid(token.get(), 0), JETON_OK);
  EXPECT_EQ(jeton_wait_valid(token.get(), -1), JETON_OK);
  std::uint64_t generation = 0;
  EXPECT_EQ(jeton_wait_change(token.get(), 2, -1, &generation), JETON_OK);
  EXPECT_EQ(generation, 3U);
}

TEST_F(Wait, ThereIsNoToken_TimesOut) {
  const TokenPtr token = must_open();
  EXPECT_EQ(jeton_wait_valid(token.get(), 0), JETON_TIMED_OUT);
  EXPECT_EQ(jeton_wait_valid(token.get(), 30), JETON_TIMED_OUT);
}

TEST_F(Wait, ThereIsNoNewerToken_TimesOut) {
  publish(3);
  const TokenPtr token = must_open();
  std::uint64_t generation = 99;
  EXPECT_EQ(jeton_wait_change(token.get(), 3, 30, &generation), JETON_TIMED_OUT);
  EXPECT_EQ(generation, 99U);
}

TEST_F(Wait, TokenHasExpired_TimesOut) {
  publish_for(3, 0ms);
  const TokenPtr token = must_open(JETON_ALLOW_EXPIRED);
  EXPECT_EQ(jeton_wait_valid(token.get(), 20), JETON_TIMED_OUT);
}

TEST_F(Wait, TokenIsPublished_WakesManyWaiters) {
  const TokenPtr token = must_open();
  std::atomic<int> woken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.push_back(waiting([&] {
      if (jeton_wait_valid(token.get(), long_enough_ms) == JETON_OK) ++woken;
    }));
  }
  EXPECT_EQ(woken, 0);
  publish(1);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(woken, 4);
}

TEST_F(Wait, SameGenerationIsPublishedAgain_GoesOn) {
  publish(1);
  const TokenPtr token = must_open();
  std::uint64_t generation = 0;
  jeton_status status = JETON_OK;
  std::thread thread = waiting([&] { status = jeton_wait_change(token.get(), 1, long_enough_ms, &generation); });
  publish(1);
  store->mark_expired();
  publish(2);
  thread.join();
  EXPECT_EQ(status, JETON_OK);
  EXPECT_EQ(generation, 2U);
}

TEST_F(Wait, SignalArrives_GoesOn) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  struct sigaction before = {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  const TokenPtr token = must_open();
  std::atomic<bool> returned{false};
  jeton_status status = JETON_BUSY;
  std::thread thread = waiting([&] {
    status = jeton_wait_valid(token.get(), long_enough_ms);
    returned = true;
  });
  for (int i = 0; i < 10; ++i) ::pthread_kill(thread.native_handle(), SIGUSR1);
  EXPECT_FALSE(returned);
  publish(1);
  thread.join();
  EXPECT_EQ(status, JETON_OK);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(Wait, SegmentIsReplaced_IsFollowed) {
  publish(1);
  const TokenPtr token = must_open();
  std::uint64_t generation = 0;
  std::thread thread =
      waiting([&] { EXPECT_EQ(jeton_wait_change(token.get(), 1, long_enough_ms, &generation), JETON_OK); });
  store->reconfigure(4096, {}, wall_now());
  publish(2);
  thread.join();
  EXPECT_EQ(generation, 2U);
}

TEST_F(Wait, FileIsReplacedUnannounced_NewFileIsFound) {
  publish(1);
  const TokenPtr token = must_open();
  std::uint64_t generation = 0;
  std::thread thread =
      waiting([&] { EXPECT_EQ(jeton_wait_change(token.get(), 1, long_enough_ms, &generation), JETON_OK); });
  std::filesystem::remove(file());
  make_store();
  publish(2);
  thread.join();
  EXPECT_EQ(generation, 2U);
}

TEST_F(Wait, OnlyLooks_FollowsAFileThatTookTheNameWithoutAWord) {
  publish(1);
  const TokenPtr token = must_open();
  std::uint64_t generation = 0;
  ASSERT_EQ(jeton_wait_change(token.get(), 1, 0, &generation), JETON_TIMED_OUT);
  std::filesystem::remove(file());
  EXPECT_EQ(jeton_wait_change(token.get(), 1, 0, &generation), JETON_TIMED_OUT);
  make_store();
  publish(2);
  EXPECT_EQ(jeton_wait_change(token.get(), 1, 0, &generation), JETON_OK);
  EXPECT_EQ(generation, 2U);
}

TEST_F(Wait, TokenIsRetiredAndPublishedAgain_EndsWithTheNewToken) {
  publish(1);
  const TokenPtr token = must_open();
  std::uint64_t generation = 0;
  std::thread thread =
      waiting([&] { EXPECT_EQ(jeton_wait_change(token.get(), 1, long_enough_ms, &generation), JETON_OK); });
  store->retire();
  make_store();
  publish(2);
  thread.join();
  EXPECT_EQ(generation, 2U);
}

TEST_F(Wait, TokenDoesNotExistYet_EndsWhenItIsPublished) {
  store->retire();
  const TokenPtr token = must_open(JETON_ALLOW_MISSING);
  EXPECT_EQ(jeton_wait_valid(token.get(), 10), JETON_TIMED_OUT);
  std::thread thread = waiting([&] { EXPECT_EQ(jeton_wait_valid(token.get(), long_enough_ms), JETON_OK); });
  make_store();
  publish(1);
  thread.join();
}

class CancelledWait : public Wait {
 protected:
  CancelledWait() {
    EXPECT_EQ(jeton_cancel_new(&cancel), JETON_OK);
    options.timeout_ms = long_enough_ms;
    options.cancel = cancel;
  }
  ~CancelledWait() override { jeton_cancel_free(cancel); }
  // Waits in a thread, does `meanwhile`, and returns what the wait ended with.
  template <typename F>
  jeton_status wait_through(const TokenPtr& token, F meanwhile) {
    jeton_status status = JETON_OK;
    std::thread thread = waiting([&] { status = jeton_wait(token.get(), &options, &generation); });
    meanwhile();
    thread.join();
    return status;
  }

  jeton_cancel* cancel = nullptr;
  jeton_wait_options options = JETON_WAIT_OPTIONS_INIT;
  std::uint64_t generation = 0;
};

TEST_F(CancelledWait, CancelIsCalled_EndsThisWaitAndALaterOne) {
  publish(3);
  const TokenPtr token = must_open();
  options.generation = 3;
  EXPECT_EQ(wait_through(token, [&] { jeton_cancel_now(cancel); }), JETON_CANCELLED);
  EXPECT_EQ(jeton_wait(token.get(), &options, nullptr), JETON_CANCELLED);
}

TEST_F(CancelledWait, TokenIsPublished_EndsTheWait) {
  publish(3);
  const TokenPtr token = must_open();
  options.generation = 3;
  EXPECT_EQ(wait_through(token, [&] { publish(4); }), JETON_OK);
  EXPECT_EQ(generation, 4U);
}

TEST_F(CancelledWait, ThereIsNoSegmentYet_CancelEndsTheWait) {
  jeton_token* opened = nullptr;
  ASSERT_EQ(open(&opened, JETON_ALLOW_MISSING, "not-there"), JETON_OK);
  EXPECT_EQ(wait_through(TokenPtr(opened), [&] { jeton_cancel_now(cancel); }), JETON_CANCELLED);
}

}  // namespace
}  // namespace jeton::test
