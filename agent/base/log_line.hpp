// A line of the log: its formats, and its way to a log whose reader may hang (a stopped journald, a pipe that no
// process empties).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/log.hpp"

namespace jeton::agent::log {

// The parts of a line.
struct Said {
  const EventId* event;  // null: none
  Level level;
  std::string_view message;
  std::span<const Field> fields;
};

using Line = std::vector<std::string>;  // one string, or the fields of an entry of the journal

// `format` is not automatic. Pure but for the time of the line.
[[nodiscard]] Line line_of(const Said& said, Format format);

// A thread of its own writes the lines; a caller of push() never waits.
//
// Lines that do not fit are dropped, newest first, and a line in their place says how many. After lines that the log
// refused, as a full disk does, the next line says how many they were. Any thread.
class LogQueue {
 public:
  struct Options {
    std::function<bool(const Line&)> write;            // may block; false: the line is lost
    std::function<Line(std::uint64_t)> lines_dropped;  // makes the line that says so
    std::size_t capacity = 1024 * 1024;                // bytes that wait
  };
  // Throws std::system_error if there can be no thread.
  explicit LogQueue(Options options);
  LogQueue(const LogQueue&) = delete;
  LogQueue& operator=(const LogQueue&) = delete;
  // Lines that still wait are lost: call flush() first.
  ~LogQueue();

  void push(Line line);
  // Waits until all lines are written, but no longer than `patience`; false if some are not.
  bool flush(std::chrono::milliseconds patience);
  // The number of dropped lines since the beginning.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // a thread that hangs in a write outlives the queue
};

}  // namespace jeton::agent::log
