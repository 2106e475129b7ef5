// LogPace: at most one line a minute about something that others can cause as often as they like.
// LogBurst: the same for lines that differ: the first few at once, then one a minute.
// LogRepeats: a LogBurst for each kind of line, with the number of those that were left out. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/time.hpp"

namespace jeton::agent {

template <int most_at_once>
class PacedLines {
 public:
  // Whether a line is due. After a quiet time as many are due at once as at the beginning.
  [[nodiscard]] bool allows(BootTime now) {
    if (now < used_up_to_ - (burst - 1) * pace) return false;
    used_up_to_ = std::max(used_up_to_, now) + pace;
    return true;
  }

  static constexpr int burst = most_at_once;

 private:
  static constexpr Duration pace = std::chrono::minutes(1);
  BootTime used_up_to_{};  // every line uses up so much time, some of it in advance
};
using LogPace = PacedLines<1>;
using LogBurst = PacedLines<16>;

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

}  // namespace jeton::agent
