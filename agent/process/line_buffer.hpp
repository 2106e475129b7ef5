// The first lines of a stream, each cut to a length; the others are counted. Plain value.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

struct LineBuffer {
  LineBuffer(std::size_t max_lines, std::size_t max_length) : limit(max_lines), length(max_length) {}

  void add(std::string_view text) {
    for (const char c : text) {
      if (c == '\n') {
        finish();
      } else if (current.size() < length) {
        current.append({&c, 1});
      }
    }
  }
  // Ends the last line; an empty one is dropped.
  void finish() {
    if (current.empty()) return;
    if (lines.size() < limit) {
      lines.push_back(current);
    } else {
      ++left_out;
    }
    current.clear();
  }

  std::size_t limit;
  std::size_t length;  // bytes
  SecretString current{};
  std::vector<SecretString> lines{};
  std::size_t left_out = 0;
};

}  // namespace jeton::agent
