// Runs coroutines of the agent in a test: one io_context with real timers.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "agent/base/boot_timers.hpp"
#include "agent/base/random.hpp"
#include "agent/base/system_clock.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::test {

class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  // What was told to end gets the turns that it needs to do so, as in the agent.
  ~Loop() {
    do {
      context.restart();
    } while (context.poll() > 0);
  }

  // Turns the loop until the task is done; returns its result or throws its exception.
  template <typename T>
  T run(agent::Task<T> task) {
    std::exception_ptr failure;
    bool done = false;
    std::conditional_t<std::is_void_v<T>, std::optional<int>, std::optional<T>> result;
    if constexpr (std::is_void_v<T>) {
      boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr e) {
        failure = e;
        done = true;
      });
    } else {
      boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr e, T value) {
        failure = e;
        if (!e) result.emplace(std::move(value));
        done = true;
      });
    }
    if (!turn_until([&] { return done; })) throw std::runtime_error("the task did not end");
    if (failure) std::rethrow_exception(failure);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }

  // Turns the loop until the condition holds; false if it does not in time.
  bool turn_until(const std::function<bool()>& condition, std::chrono::milliseconds limit = patience) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      context.restart();
      context.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  boost::asio::io_context context{1};
  agent::SystemClock clock;
  agent::BootTimers timers{context, clock};
  agent::OsRandom random;
};

}  // namespace jeton::test
