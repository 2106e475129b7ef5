// Calls of the file system that may never return, as on a mount whose server is gone: each runs on a thread of its own,
// and its caller, such as the event loop, waits for it no longer than a moment. Any thread.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/error.hpp"

namespace jeton::agent {

// The longest time for which the first call that hangs delays its caller: a start can wait while a busy disk finishes a
// write, and a loop cannot. While calls hang, further ones get less time (a quarter, a ninth and so on, 25 ms at
// least), so that many files of one dead mount take about two seconds together on a loop, and 20 before it.
inline constexpr std::chrono::milliseconds longest_file_wait{10'000};
inline constexpr std::chrono::milliseconds longest_file_wait_of_a_loop{1000};

// While it lives, this thread runs an event loop.
class LoopThread {
 public:
  LoopThread();
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
};

// `what` is the file, and how the message begins.
[[nodiscard]] Error file_system_hangs(const std::string& what);

// Runs `call`, which owns everything that it uses: if its thread hangs, both are abandoned. Throws what `call` throws;
// file_system_hangs() if it does not answer, and at once while an earlier call about the same `what` hangs, or while 64
// do.
void run_bounded(const std::string& what, std::function<void()> call);

template <typename Call>
auto bounded(const std::string& what, Call call) {
  using Result = decltype(call());
  const auto result = std::make_shared<std::optional<Result>>();
  run_bounded(what, [result, call = std::move(call)]() mutable { result->emplace(call()); });
  return std::move(**result);
}

// stat(2) of a path, links followed. Nothing if the file does not exist, cannot be examined or does not answer.
[[nodiscard]] std::optional<struct stat> bounded_stat(const std::string& path);

}  // namespace jeton::agent
