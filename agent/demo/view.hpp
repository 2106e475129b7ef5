// Snapshots as text. Pure functions; nothing is written anywhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/demo/snapshot.hpp"

namespace jeton::agent::demo {

struct Terminal {
  int columns = 80;
  int rows = 24;
  bool color = false;
};

// The live view: at most rows - 1 lines of at most `columns` characters, colored if wanted.
[[nodiscard]] std::vector<std::string> live_view(const Snapshot& snapshot, const Terminal& terminal);

// The same as one line of key=value, for a file or a pipe.
[[nodiscard]] std::string plain_line(const Snapshot& snapshot);

// One sentence for the end.
[[nodiscard]] std::string summary(const Snapshot& snapshot);

// Time left as a bar: '#' until the grace period begins, '=' inside it, '.' for the time that has passed.
[[nodiscard]] std::string life_bar(Milliseconds left, Milliseconds lifetime, Milliseconds grace, int width);

// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

}  // namespace jeton::agent::demo
