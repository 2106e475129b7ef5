#include "agent/outputs/blocking_calls.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "agent/base/error.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

class ThreadedCallsTest : public testing::Test {
 protected:
  // "done", or why not.
  std::string call(ThreadedCalls& calls, const std::string& what, std::function<void()> work) {
    try {
      loop.run(calls.run(what, std::move(work)));
      return "done";
    } catch (const Error& e) {
      return e.what();
    }
  }
  test::Loop loop;
};

TEST_F(ThreadedCallsTest, CallEnds_IsMadeOnAnotherThreadWithItsResult) {
  ThreadedCalls calls(loop.timers, test::patience);
  std::thread::id where;
  EXPECT_EQ(call(calls, "/f", [&] { where = std::this_thread::get_id(); }), "done");
  EXPECT_NE(where, std::thread::id());
  EXPECT_NE(where, std::this_thread::get_id());
  EXPECT_EQ(call(calls, "/f", [] { throw Error("disk is full"); }), "disk is full");
  EXPECT_EQ(call(calls, "/f", [] {}), "done");
}

TEST_F(ThreadedCallsTest, CallHangs_LoopGoesOnAndTheFileIsBusyUntilItEnds) {
  ThreadedCalls calls(loop.timers, 50ms);
  std::promise<void> may_end;
  const auto end = std::make_shared<std::shared_future<void>>(may_end.get_future());
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  const std::string no_answer = "/f: the file system does not answer; is it on a mount whose server is gone?";
  EXPECT_EQ(call(calls, "/f",
                 [end, ended] {
                   end->wait();
                   *ended = true;
                 }),
            no_answer);
  EXPECT_EQ(call(calls, "/f", [] { FAIL() << "another call could write beside it"; }), no_answer);
  EXPECT_TRUE(loop.eventually([&] { return call(calls, "/g", [] {}) == "done"; })) << "other files are not concerned";
  EXPECT_FALSE(*ended);
  may_end.set_value();
  ASSERT_TRUE(loop.eventually([&] { return call(calls, "/f", [] {}) == "done"; }));
  EXPECT_TRUE(*ended);
}

TEST_F(ThreadedCallsTest, CallerEndsFirst_CallEndsBehindIt) {
  const auto ended = std::make_shared<std::promise<void>>();
  std::promise<void> may_end;
  const auto end = std::make_shared<std::shared_future<void>>(may_end.get_future());
  {
    ThreadedCalls calls(loop.timers, 1ms);
    EXPECT_NE(call(calls, "/f",
                   [end, ended] {
                     end->wait();
                     ended->set_value();
                   }),
              "done");
  }
  may_end.set_value();
  EXPECT_EQ(ended->get_future().wait_for(60s), std::future_status::ready);
}

}  // namespace
}  // namespace jeton::agent
