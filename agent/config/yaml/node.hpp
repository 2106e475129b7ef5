// Node: a configuration document as a plain tree, each key and each value with its place. The YAML parser makes it and
// all later stages read it. The only trace of YAML in it is the difference between plain and quoted text.
#pragma once

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

}  // namespace jeton::agent
