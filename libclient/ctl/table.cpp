#include "libclient/ctl/table.hpp"

#include <algorithm>

namespace jeton::ctl {

std::string row(const std::vector<Cell>& cells) {
  std::string line;
  std::size_t room = columns_of_terminal();
  for (const Cell& cell : cells) {
    if (!line.empty()) line += "  ";
    const bool is_last = &cell == &cells.back();
    const std::string text = is_last ? shortened(cell.text, room) : padded(cell.text, cell.width, cell.right);
    line += coloured(text, cell.colour);
    room -= std::min(room, text.size() + 2);
  }
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

std::string heading(const std::vector<Cell>& cells) {
  std::string line = row(cells);
  line.pop_back();
  return coloured(line, Colour::heading) + "\n";
}

}  // namespace jeton::ctl
