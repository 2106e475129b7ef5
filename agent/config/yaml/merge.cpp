#include "agent/config/yaml/merge.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace jeton::agent {

namespace {

void merge_maps(Node& base, Node more, const std::string& path, Problems& problems);

void merge_entry(Node::Entry& mine, Node::Entry other, const std::string& path, Problems& problems) {
  const bool same_version = path == "version" && mine.value.kind == Node::Kind::scalar &&
                            other.value.kind == Node::Kind::scalar && mine.value.scalar == other.value.scalar;
  if (same_version || other.value.kind == Node::Kind::null) return;  // a section without keys adds none
  if (mine.value.kind == Node::Kind::null) {
    mine = std::move(other);
    return;
  }
  const bool is_token = path.starts_with("tokens.");
  const bool is_lock = path.starts_with("locks.");
  if (!is_token && !is_lock && mine.value.kind == Node::Kind::map && other.value.kind == Node::Kind::map) {
    merge_maps(mine.value, std::move(other.value), path + ".", problems);
    return;
  }
  problems.error(other.key_place, (is_token  ? "token "
                                   : is_lock ? "lock pattern "
                                             : "key ") +
                                      in_quotes(is_token || is_lock ? mine.key : path) + " is already set at " +
                                      mine.key_place.text());
}

void merge_maps(Node& base, Node more, const std::string& path, Problems& problems) {
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < base.entries.size(); ++i) index.emplace(base.entries[i].key, i);
  for (Node::Entry& entry : more.entries) {
    const auto found = index.find(entry.key);
    if (found == index.end()) {
      base.entries.push_back(std::move(entry));
    } else {
      std::string full = path + entry.key;
      merge_entry(base.entries[found->second], std::move(entry), full, problems);
    }
  }
}

}  // namespace

void merge_documents(Node& base, Node more, Problems& problems) {
  if (more.kind == Node::Kind::null || base.kind == Node::Kind::invalid) return;
  if (base.kind == Node::Kind::null || more.kind != Node::Kind::map || base.kind != Node::Kind::map) {
    // A value that is not a map is reported once, by the reader of the whole document.
    if (base.kind == Node::Kind::null || more.kind != Node::Kind::map) base = std::move(more);
    return;
  }
  merge_maps(base, std::move(more), "", problems);
}

}  // namespace jeton::agent
