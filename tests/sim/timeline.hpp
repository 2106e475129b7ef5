// Timeline: what happened in a run, a line an event, for a person, and a number that is the same for the same run.
#pragma once

#include <cstdint>
#include <deque>
#include <ostream>
#include <string>
#include <string_view>

#include "tests/sim/plan.hpp"

namespace jeton::sim {

class Timeline {
 public:
  // `live`: gets each line at once; null: nobody does.
  explicit Timeline(std::ostream* live) : live_(live) {}

  void note(Duration at, const std::string& who, const std::string& what) {
    std::string line = seconds_text(at);
    line.insert(0, line.size() < 10 ? 10 - line.size() : 0, ' ');
    line += "  " + who + std::string(who.size() < 9 ? 9 - who.size() : 0, ' ') + " " + what;
    mix(line);
    if (live_ != nullptr) *live_ << line << "\n";
    lines_.push_back(std::move(line));
    if (lines_.size() > longest) lines_.pop_front();
  }
  // Only into the number.
  void mix(std::string_view text) {
    for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] const std::deque<std::string>& lines() const { return lines_; }  // the last ones

 private:
  static constexpr std::size_t longest = 120;
  std::ostream* live_;
  std::deque<std::string> lines_;
  std::uint64_t hash_ = 0xcbf29ce484222325U;  // FNV-1a
};

}  // namespace jeton::sim
