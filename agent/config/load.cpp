#include "agent/config/load.hpp"

#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "agent/config/schema/reference_check.hpp"
#include "agent/config/schema/schema.hpp"
#include "agent/config/yaml/yaml_document.hpp"

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
  const std::string what = is_token ? "token " : is_lock ? "lock pattern " : "key ";
  problems.error(other.key_place, what + in_quotes(is_token || is_lock ? mine.key : path) + " is already set at " +
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

// Adds the keys of `more` to `base`. Sections are joined, a token is a whole: a key that both set is an error that
// names both places. `version` may be in every file, with the same value.
void merge_documents(Node& base, Node more, Problems& problems) {
  if (more.kind == Node::Kind::null || base.kind == Node::Kind::invalid) return;
  if (base.kind == Node::Kind::null || more.kind != Node::Kind::map) {
    base = std::move(more);  // one that is not a map is reported once, by the reader of the whole document
  } else if (base.kind == Node::Kind::map) {
    merge_maps(base, std::move(more), "", problems);
  }
}

// Joins all texts to one document; nothing if one of them cannot be read as a document, because it may have the keys
// that the others lack.
std::optional<Node> read_documents(std::vector<ConfigText>& texts, Problems& problems) {
  std::optional<Node> whole;
  bool complete = !texts.empty();
  for (ConfigText& text : texts) {
    std::optional<Node> document;
    if (check_config_text(text, problems)) document = parse_yaml(text.name, text.text, problems);
    if (!document) {
      complete = false;
    } else if (!whole) {
      whole = std::move(document);
      whole->place.file = text.name;  // also of an empty document
    } else {
      merge_documents(*whole, std::move(*document), problems);
    }
  }
  return complete ? std::move(whole) : std::nullopt;
}

// The token itself and those that its source uses.
std::set<std::string> chain_of(const std::string& token, const Config& config) {
  std::set<std::string> chain;
  std::vector<std::string> open{token};
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    const auto found = config.tokens.find(name);
    if (found == config.tokens.end() || !chain.insert(name).second) continue;
    open.insert(open.end(), found->second.uses.begin(), found->second.uses.end());
  }
  return chain;
}

}  // namespace

LoadResult load_config_files(ConfigFiles files, const std::string& of_token) {
  LoadResult result;
  Problems problems = std::move(files.problems);
  const bool all_read = !problems.has_errors();
  if (auto document = read_documents(files.texts, problems); document && all_read) {
    Reading reading{problems};
    Config config = read_config(*document, reading);
    if (!of_token.empty()) {
      const std::set<std::string> chain = chain_of(of_token, config);
      const auto is_other = [&chain](const auto& reference) { return !chain.contains(reference.token); };
      std::erase_if(reading.secrets, is_other);
      std::erase_if(reading.files, is_other);
    }
    check_secrets(reading.secrets, problems);
    check_accounts(reading.accounts, problems);
    check_files(reading.files, problems);
    if (!problems.has_errors()) result.config = std::move(config);
  }
  result.errors = problems.errors();
  result.warnings = problems.warnings();
  result.problems = problems.take_sorted(files.names);
  return result;
}

}  // namespace jeton::agent
