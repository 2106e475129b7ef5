// When exec acts on changes, and when it starts a command again that ended by itself. Times are milliseconds of any one
// clock; a draw is a random number from 0 to 1.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "libclient/ctl/duration.hpp"

namespace jeton::ctl {

// Several tokens that change together are one change: it is acted on when nothing has changed for `settle`, and a
// draw of `splay` later, so that not all hosts act in one second. Changes without end put it off for ten times
// `settle` at most.
class ChangeTimer {
 public:
  ChangeTimer(Milliseconds settle, Milliseconds splay) : settle_(settle.count()), splay_(splay.count()) {}

  void note(std::int64_t now_ms, double draw) {
    if (!due_ms_) {
      first_ms_ = now_ms;
      delay_ = static_cast<std::int64_t>(static_cast<double>(splay_) * draw);
    }
    due_ms_ = std::min(now_ms + settle_, first_ms_ + 10 * settle_) + delay_;
  }
  // Nothing has changed, or it was acted on.
  void reset() { due_ms_.reset(); }
  [[nodiscard]] std::optional<std::int64_t> due_ms() const { return due_ms_; }

 private:
  std::int64_t settle_;
  std::int64_t splay_;
  std::int64_t delay_ = 0;
  std::int64_t first_ms_ = 0;
  std::optional<std::int64_t> due_ms_;
};

// Half a second, twice that after each further run that was short, half a minute at most; a run of that length begins
// anew. A draw takes off up to a half, so that a fleet does not start in step.
class RestartPause {
 public:
  [[nodiscard]] std::int64_t after(std::int64_t ran_ms, double draw) {
    pause_ms_ = ran_ms >= longest_ms ? first_ms : std::min(std::max(first_ms, 2 * pause_ms_), longest_ms);
    return pause_ms_ - static_cast<std::int64_t>(static_cast<double>(pause_ms_) / 2 * draw);
  }

 private:
  static constexpr std::int64_t first_ms = 500;
  static constexpr std::int64_t longest_ms = 30'000;
  std::int64_t pause_ms_ = 0;
};

}  // namespace jeton::ctl
