// TestLoop: runs coroutines of the agent in a test, in real time (loop.hpp) or in virtual time (virtual_loop.hpp). A
// test that is written against it can be run in both. One thread.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
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
  // the test's patience is an error. It may go on afterwards, as long as what it was given lives.
  template <typename T>
  T run(agent::Task<T> task) {
    const auto outcome = start(std::move(task));
    if (!turn_until([&] { return outcome->done; })) throw std::runtime_error("the task did not end");
    if (outcome->failure) std::rethrow_exception(outcome->failure);
    if constexpr (!std::is_void_v<T>) return std::move(*outcome->result);
  }

  // Turns the loop until the condition holds; false if it does not in time.
  virtual bool turn_until(const std::function<bool()>& condition, agent::Duration limit = patience) = 0;

  // Turns the loop for so long, whatever happens.
  void pass(agent::Duration duration) {
    turn_until([] { return false; }, duration);
  }

  // Like turn_until, for a condition that itself turns the loop, or asks a server by another way.
  bool eventually(const std::function<bool()>& condition, agent::Duration limit = patience) {
    const agent::BootTime begin = clock.boot_now();
    while (!condition()) {
      const agent::Duration waited = clock.boot_now() - begin;
      if (waited >= limit) return condition();
      pass(pause_of_looks(waited));
    }
    return true;
  }

  boost::asio::io_context& context;
  const agent::Clock& clock;
  agent::Timers& timers;
  agent::Random& random;

 protected:
  TestLoop(boost::asio::io_context& c, const agent::Clock& k, agent::Timers& t, agent::Random& r)
      : context(c), clock(k), timers(t), random(r) {}

  // What was told to end gets the turns that it needs to do so, as in the agent.
  void drain() {
    do {
      context.restart();
    } while (context.poll() > 0);
  }

 private:
  // Shared with the task, which may end after the test has given it up.
  template <typename T>
  struct Outcome {
    bool done = false;
    std::exception_ptr failure;
    std::conditional_t<std::is_void_v<T>, std::optional<int>, std::optional<T>> result;
  };

  template <typename T>
  std::shared_ptr<Outcome<T>> start(agent::Task<T> task) {
    auto outcome = std::make_shared<Outcome<T>>();
    if constexpr (std::is_void_v<T>) {
      boost::asio::co_spawn(context, std::move(task), [outcome](std::exception_ptr e) {
        outcome->failure = e;
        outcome->done = true;
      });
    } else {
      boost::asio::co_spawn(context, std::move(task), [outcome](std::exception_ptr e, T value) {
        outcome->failure = e;
        if (!e) outcome->result.emplace(std::move(value));
        outcome->done = true;
      });
    }
    return outcome;
  }
};

}  // namespace jeton::test
