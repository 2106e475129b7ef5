// The output of the demo: redrawn in place on a terminal, otherwise a line a second on stdout.
#pragma once

#include <optional>

#include "agent/demo/view.hpp"

namespace jeton::agent::demo {

class Screen {
 public:
  // `color`: on a terminal, and only if NO_COLOR is not set.
  explicit Screen(bool color);
  // Leaves the last view on the terminal and the cursor visible below it.
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Called often; a plain stdout gets a line for each second only.
  void show(const Snapshot& snapshot);
  // The terminal has another size: its text cannot be overwritten line by line.
  void resized() { clear_ = true; }

 private:
  void draw(const Snapshot& snapshot);

  const bool terminal_;
  const bool color_;
  bool clear_ = false;
  int drawn_ = 0;  // lines above the cursor that are ours
  std::optional<std::int64_t> last_second_;
};

}  // namespace jeton::agent::demo
