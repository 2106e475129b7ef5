#include "agent/base/bounded_wait.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "agent/base/error.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/sanitizer.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;

// A call that hangs until the test lets it go. On a busy machine the call may be given up before its thread has begun.
class BoundedWait : public ::testing::Test {
 protected:
  ~BoundedWait() override {
    if (!released_) calls_->release.set_value();
    EXPECT_TRUE(test::eventually([this] { return calls_->begun == calls_->ended; }));
  }
  std::string failure_of_hanging(const std::string& what) {
    try {
      run_bounded(what, [calls = calls_] {
        ++calls->begun;
        calls->gate.wait();
        ++calls->ended;
      });
    } catch (const Error& e) {
      return e.what();
    }
    return {};
  }
  [[nodiscard]] bool have_begun(int count) const {
    return test::eventually([&] { return calls_->begun == count; });
  }
  void release() {
    released_ = true;
    calls_->release.set_value();
    ASSERT_TRUE(test::eventually([this] { return calls_->begun == calls_->ended; }));
  }

  struct Calls {
    std::promise<void> release;
    std::shared_future<void> gate = release.get_future().share();
    std::atomic<int> begun = 0;
    std::atomic<int> ended = 0;
  };
  std::optional<LoopThread> loop_{std::in_place};
  std::shared_ptr<Calls> calls_ = std::make_shared<Calls>();
  bool released_ = false;
};

TEST_F(BoundedWait, CallAnswers_ItsResultAndItsErrorArePassedOn) {
  EXPECT_EQ(bounded("a", [] { return std::string("text"); }), "text");
  EXPECT_THROW(bounded("a", []() -> int { throw std::out_of_range("x"); }), std::out_of_range);
}

TEST_F(BoundedWait, CallHangs_IsAnErrorAndIsNotTriedAgainUntilItEnds) {
  EXPECT_THAT(failure_of_hanging("/net/secret"), HasSubstr("/net/secret: the file system does not answer"));
  EXPECT_THAT(failure_of_hanging("/net/secret"), HasSubstr("does not answer"));
  EXPECT_TRUE(have_begun(1));
  EXPECT_EQ(bounded("/etc/other", [] { return 7; }), 7);
  release();
  EXPECT_TRUE(test::eventually([this] { return failure_of_hanging("/net/secret").empty(); }));
}

// A stop of the whole machine has the same effect on both threads.
TEST_F(BoundedWait, ProcessIsStoppedForLongerThanTheWait_CallHasTheRestOfItsTimeAfterwards) {
  if (test::thread_sanitizer) GTEST_SKIP() << "ThreadSanitizer allows no new thread after a fork";
  const pid_t child = ::fork();
  if (child == 0) {
    const auto spent = [] {
      timespec time{};
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    };
    try {
      run_bounded("/etc/file", [spent] {
        ::raise(SIGSTOP);
        while (spent() < std::chrono::milliseconds(50)) {
        }
      });
      ::_exit(0);
    } catch (const Error&) {
      ::_exit(1);
    }
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  std::this_thread::sleep_for(longest_file_wait_of_a_loop + std::chrono::milliseconds(100));
  ::kill(child, SIGCONT);
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(BoundedWait, NoLoopWaits_CallHasMoreTime) {
  loop_.reset();
  const auto slow = [] { std::this_thread::sleep_for(longest_file_wait_of_a_loop + std::chrono::milliseconds(500)); };
  EXPECT_NO_THROW(run_bounded("/etc/file", slow));
}

TEST_F(BoundedWait, MoreCallsHangThanThreadsMay_IsAnErrorAtOnce) {
  for (int i = 0; i < 64; ++i) EXPECT_NE(failure_of_hanging("/net/" + std::to_string(i)), "");
  ASSERT_TRUE(have_begun(64));
  EXPECT_NE(failure_of_hanging("/net/one-more"), "");
  EXPECT_EQ(calls_->begun, 64);
}

}  // namespace
}  // namespace jeton::agent
