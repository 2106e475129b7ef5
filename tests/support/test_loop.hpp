// TestLoop: runs coroutines of the agent in a test, in real time (loop.hpp) or in virtual time (virtual_loop.hpp). A
// test that is written against it can be run in both. One thread.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
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

  // Gives cancelled tasks the turns of the loop that they need to end, as in the agent.
  void drain() {
    do {
      context.restart();
    } while (context.poll() > 0);
  }

 private:
  struct Ending {
    bool ended = false;
    std::exception_ptr failure;
    boost::asio::cancellation_signal cancel;
  };

  template <typename T>
  static agent::Task<> keep(agent::Task<T> task, std::optional<T>& result) {
    T value = co_await std::move(task);
    result.emplace(std::move(value));
  }

  void finish(agent::Task<> task) {
    const auto ending = std::make_shared<Ending>();
    auto on_end = [ending](const std::exception_ptr& failure) {
      ending->failure = failure;
      ending->ended = true;
    };
    boost::asio::co_spawn(context, std::move(task),
                          boost::asio::bind_cancellation_slot(ending->cancel.slot(), std::move(on_end)));
    const auto ended = [&] { return ending->ended; };
    if (turn_until(ended)) {
      if (ending->failure) std::rethrow_exception(ending->failure);
      return;
    }
    // Posted to the loop: outside of it Asio delays the cancellation, and keeps a bare pointer to the signal.
    boost::asio::post(context, [ending] { ending->cancel.emit(boost::asio::cancellation_type::terminal); });
    if (!turn_until(ended)) {
      std::fputs("the task did not end, not even when it was cancelled\n", stderr);
      std::abort();
    }
    throw std::runtime_error("the task did not end");
  }
};

}  // namespace jeton::test
