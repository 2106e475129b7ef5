// Rows of a table for people: padded cells, coloured on a terminal, and never wider than it.
#pragma once

#include <string>
#include <vector>

#include "libclient/ctl/output.hpp"

namespace jeton::ctl {

struct Cell {
  std::string text;
  std::size_t width = 0;
  bool right = false;
  Colour colour = Colour::none;
};

// The last cell ends where the terminal does. Ends with a newline, as heading() does.
[[nodiscard]] std::string row(const std::vector<Cell>& cells);
[[nodiscard]] std::string heading(const std::vector<Cell>& cells);

}  // namespace jeton::ctl
