// TestLoop: runs coroutines of the agent in a test, in real time (loop.hpp) or in virtual time (virtual_loop.hpp). A
// test that is written against it can be run in both. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::test {

class TestLoop {
 public:
  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;
  virtual ~TestLoop() = default;

  // Turns the loop until the task is done; returns its result or throws its exception. A task that does not end within
  // the test's patience is an error. It is cancelled and has ended before this returns, because it may write to what
  // the test has on its stack.
  template <typename T>
  T run(agent::Task<T> task) {
    if constexpr (std::is_void_v<T>) {
      finish(std::move(task));
    } else {
      std::optional<T> result;
      finish(keep(std::move(task), result));
      return std::move(*result);
    }
  }

  // Turns the loop until the condition holds; false if it does not in time.
  virtual bool turn_until(const std::function<bool()>& condition, agent::Duration limit = patience) = 0;

  // Turns the loop for this long in any case.
  void pass(agent::Duration duration) {
    turn_until([] { return false; }, duration);
  }

  // Like turn_until, for a condition that itself turns the loop, or asks a server directly.
  bool eventually(const std::function<bool()>& condition, agent::Duration limit = patience);

  boost::asio::io_context& context;
  const agent::Clock& clock;
  agent::Timers& timers;
  agent::Random& random;

 protected:
  TestLoop(boost::asio::io_context& c, const agent::Clock& k, agent::Timers& t, agent::Random& r)
      : context(c), clock(k), timers(t), random(r) {}

  // Gives cancelled tasks the turns of the loop that they need to end, as in the agent.
  void drain();

 private:
  template <typename T>
  static agent::Task<> keep(agent::Task<T> task, std::optional<T>& result) {
    T value = co_await std::move(task);
    result.emplace(std::move(value));
  }

  void finish(agent::Task<> task);
};

}  // namespace jeton::test
