// YamlLines: facts about the lines and quotes of a text that the YAML parser does not report, for clear messages.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

class YamlLines {
 public:
  // `text` must outlive this object.
  explicit YamlLines(std::string_view text);

  // Column from 1 of a tab before the first other character of a line; 0: none.
  [[nodiscard]] int tab_in_indentation(int line) const;

  // Line of the end of the quote that opens at a place; 0: it is never closed (yaml-cpp 0.7 takes it as closed at the
  // end of the file, with all that lies between); -1: no quote opens there.
  [[nodiscard]] int end_of_quote(const Place& place) const;

  // The quote that causes a syntax error at a place: it opens before the place and is not closed, or the next opening
  // quote closes it. Nothing if there is no such quote.
  [[nodiscard]] std::optional<Place> quote_behind(const Place& error) const;

 private:
  [[nodiscard]] std::size_t offset(const Place& place) const;
  // The offset at which the quote that opens at `at` closes.
  [[nodiscard]] std::size_t quote_end(std::size_t at) const;
  [[nodiscard]] int line_of(std::size_t at) const;
  [[nodiscard]] Place place_of(std::size_t at, const std::string& file) const;

  // The last offset that was looked for. Places are asked for in the order of the text, and a whole document may be one
  // line: each search goes on from the one before.
  struct Found {
    int line = 0;
    int column = 1;
    std::size_t at = 0;
  };

  std::string_view text_;
  std::vector<std::size_t> starts_;
  mutable Found found_;
};

}  // namespace jeton::agent
