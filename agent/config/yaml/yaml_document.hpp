// Node: a configuration document as a plain tree, each key and each value with its place; all later stages read it. The
// only trace of YAML in it is the difference between plain and quoted text. The function that makes the tree from a
// text is the only code that knows the YAML parser.
//
// Takes the part of YAML a configuration needs: maps, sequences, text. Refuses, with the place and what to do, a key
// that is repeated, anchors and aliases, merge keys, tags, a second document, keys that are not text. Bounded: 500,000
// nodes, 32 levels. Never throws for what the text contains.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

struct Node {
  enum class Kind {
    null,
    scalar,
    sequence,
    map,
    invalid,  // already reported; later stages say nothing more about it
  };
  struct Entry;

  Kind kind = Kind::null;
  Place place;
  std::string scalar;
  bool plain = false;          // a scalar without quotes: it may be a number or true
  std::vector<Node> items;     // of a sequence
  std::vector<Entry> entries;  // of a map, in order, no key twice

  [[nodiscard]] const Entry* find(std::string_view key) const;
};

struct Node::Entry {
  std::string key;
  Place key_place;
  Node value;
};

inline const Node::Entry* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

// Nothing if the text cannot be read at all (one problem says why). A tree may come with errors in `problems`; what
// they are about is Kind::invalid in it. An empty text is a null node.
[[nodiscard]] std::optional<Node> parse_yaml(const std::string& file, std::string_view text, Problems& problems);

}  // namespace jeton::agent
