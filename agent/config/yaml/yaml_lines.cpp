#include "agent/config/yaml/yaml_lines.hpp"

#include <algorithm>

#include "agent/config/text/values.hpp"

namespace jeton::agent {

YamlLines::YamlLines(std::string_view text) : text_(text) {
  starts_.push_back(0);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') starts_.push_back(at + 1);
  }
}

int YamlLines::tab_in_indentation(int line) const {
  if (line < 1 || static_cast<std::size_t>(line) > starts_.size()) return 0;
  const std::size_t start = starts_[static_cast<std::size_t>(line) - 1];
  for (std::size_t at = start; at < text_.size() && (text_[at] == ' ' || text_[at] == '\t'); ++at) {
    if (text_[at] == '\t') return static_cast<int>(at - start) + 1;
  }
  return 0;
}

int YamlLines::end_of_quote(const Place& place) const {
  const std::size_t at = offset(place);
  if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return -1;  // a block of text, not a quote
  const std::size_t end = quote_end(at);
  return end == std::string_view::npos ? 0 : line_of(end);
}

std::optional<Place> YamlLines::quote_behind(const Place& error) const {
  std::optional<Place> found;
  char before = '\n';  // the last character of the line that is not a blank
  for (std::size_t at = 0; at < text_.size(); ++at) {
    const char c = text_[at];
    const bool after_blank = at == 0 || text_[at - 1] == ' ' || text_[at - 1] == '\t' || text_[at - 1] == '\n';
    if (c == '#' && after_blank) at = std::min(text_.find('\n', at), text_.size() - 1);
    const bool opens = (c == '"' || c == '\'') && std::string_view("\n:-[{,?").find(before) != std::string_view::npos;
    if (opens) {
      const std::size_t end = quote_end(at);
      const int first = line_of(at);
      const int last = end == std::string_view::npos ? error.line : line_of(end);
      if (first > error.line) break;
      const bool suspect = last > first && (error.line == last || error.line == last + 1);
      if (end == std::string_view::npos || suspect) found = place_of(at, error.file);
      if (end == std::string_view::npos) break;
      at = end;
    }
    if (text_[at] != ' ' && text_[at] != '\t' && text_[at] != '\r') before = text_[at];
  }
  return found;
}

std::size_t YamlLines::offset(const Place& place) const {
  if (place.line < 1 || static_cast<std::size_t>(place.line) > starts_.size()) return text_.size();
  const bool is_behind = place.line == found_.line && place.column >= found_.column;
  if (!is_behind) found_ = {place.line, 1, starts_[static_cast<std::size_t>(place.line) - 1]};
  for (; found_.column < place.column && found_.at < text_.size(); ++found_.column) {
    found_.at += utf8_length(text_, found_.at);
  }
  return found_.at;
}

std::size_t YamlLines::quote_end(std::size_t at) const {
  const char quote = text_[at];
  for (++at; at < text_.size(); ++at) {
    if (quote == '"' && text_[at] == '\\') {
      ++at;
    } else if (text_[at] == quote) {
      if (quote == '"' || at + 1 == text_.size() || text_[at + 1] != quote) return at;
      ++at;  // '' is an escaped quote
    }
  }
  return std::string_view::npos;
}

int YamlLines::line_of(std::size_t at) const {
  return static_cast<int>(std::upper_bound(starts_.begin(), starts_.end(), at) - starts_.begin());
}

Place YamlLines::place_of(std::size_t at, const std::string& file) const {
  Place place{file, line_of(at), 1};
  for (std::size_t i = starts_[static_cast<std::size_t>(place.line) - 1]; i < at;
       i += std::max<std::size_t>(utf8_length(text_, i), 1))
    ++place.column;
  return place;
}

}  // namespace jeton::agent
