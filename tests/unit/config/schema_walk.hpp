// The values of a configuration document, each with its path in the schema.
#pragma once

#include <set>
#include <string>

#include "agent/config/schema/schema.hpp"
#include "agent/config/yaml/yaml_document.hpp"

namespace jeton::test {

inline std::set<std::string> schema_keys() {
  const std::vector<std::string> paths = agent::schema_paths();
  return {paths.begin(), paths.end()};
}

// Calls `visit(path, node)` for what of `schema` the tree holds: a name of the user's as '*', the sections of a list as
// one. What no path allows comes as it is. A value that may be a text or a map is listed as both.
template <typename Tree, typename Visit>
void walk(Tree& node, const std::string& path, const std::set<std::string>& schema, const Visit& visit) {
  const auto below = schema.lower_bound(path + ".");
  const bool has_keys = below != schema.end() && below->starts_with(path + ".");
  if (node.kind == agent::Node::Kind::sequence && has_keys) {
    for (auto& item : node.items) walk(item, path, schema, visit);
    return;
  }
  if (node.kind != agent::Node::Kind::map || (schema.contains(path) && !has_keys)) {
    visit(path, node);
    return;
  }
  for (auto& entry : node.entries) {
    const std::string free_name = path + ".*";
    const auto next = schema.lower_bound(free_name);
    const bool is_free = next != schema.end() && next->starts_with(free_name);
    walk(entry.value, is_free ? free_name : (path.empty() ? "" : path + ".") + entry.key, schema, visit);
  }
}

}  // namespace jeton::test
