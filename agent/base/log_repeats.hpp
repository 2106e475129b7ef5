// LogRepeats: a line that comes again and again with the same words is left out after the first few, and then let
// through once a minute, with the number of those that were left out. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/log_pace.hpp"

namespace jeton::agent::log {

class LogRepeats {
 public:
  // Nothing: leave the line out. Otherwise so many of its kind were left out since the last one.
  [[nodiscard]] std::optional<std::uint64_t> allow(const std::string& line, BootTime now) {
    if (lines_.size() >= most_lines) lines_.clear();  // lines that all differ are no repeats
    Entry& entry = lines_[line];
    if (!entry.burst.allows(now)) {
      ++entry.left_out;
      return std::nullopt;
    }
    return std::exchange(entry.left_out, 0);
  }

  static constexpr std::size_t most_lines = 1000;

 private:
  struct Entry {
    LogBurst burst;
    std::uint64_t left_out = 0;
  };
  std::map<std::string, Entry> lines_;
};

}  // namespace jeton::agent::log
