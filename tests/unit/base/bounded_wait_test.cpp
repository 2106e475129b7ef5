#include "agent/base/bounded_wait.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "agent/base/error.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;

// A call that hangs until the test lets it go.
class BoundedWait : public ::testing::Test {
 protected:
  ~BoundedWait() override {
    if (!released_) release_.set_value();
    EXPECT_TRUE(test::eventually([this] { return begun_ == ended_; }));
  }
  std::string failure_of_hanging(const std::string& what) {
    try {
      run_bounded(what, [this] {
        ++begun_;
        gate_.wait();
        ++ended_;
      });
    } catch (const Error& e) {
      return e.what();
    }
    return {};
  }
  void release() {
    released_ = true;
    release_.set_value();
    ASSERT_TRUE(test::eventually([this] { return begun_ == ended_; }));
  }

  std::promise<void> release_;
  std::shared_future<void> gate_ = release_.get_future().share();
  std::atomic<int> begun_ = 0;
  std::atomic<int> ended_ = 0;
  bool released_ = false;
};

TEST_F(BoundedWait, CallAnswers_ItsResultAndItsErrorArePassedOn) {
  EXPECT_EQ(bounded("a", [] { return std::string("text"); }), "text");
  EXPECT_THROW(bounded("a", []() -> int { throw std::out_of_range("x"); }), std::out_of_range);
}

TEST_F(BoundedWait, CallHangs_IsAnErrorAndIsNotTriedAgainUntilItEnds) {
  EXPECT_THAT(failure_of_hanging("/net/secret"), HasSubstr("/net/secret: the file system does not answer"));
  EXPECT_THAT(failure_of_hanging("/net/secret"), HasSubstr("does not answer"));
  EXPECT_EQ(begun_, 1);
  EXPECT_EQ(bounded("/etc/other", [] { return 7; }), 7);
  release();
  EXPECT_TRUE(test::eventually([this] { return failure_of_hanging("/net/secret").empty(); }));
}

TEST_F(BoundedWait, MoreCallsHangThanThreadsMay_IsAnErrorAtOnce) {
  for (int i = 0; i < 64; ++i) EXPECT_NE(failure_of_hanging("/net/" + std::to_string(i)), "");
  EXPECT_EQ(begun_, 64);
  EXPECT_NE(failure_of_hanging("/net/one-more"), "");
  EXPECT_EQ(begun_, 64);
}

}  // namespace
}  // namespace jeton::agent
