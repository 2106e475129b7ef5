#include "agent/config/load.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "agent/config/schema/reference_check.hpp"
#include "agent/config/schema/schema.hpp"
#include "agent/config/yaml/yaml_document.hpp"

namespace jeton::agent {

namespace {

// Joins documents to one. Sections are joined, a token is a whole: a key that two documents set is an error that names
// both places. `version` may be in every file, with the same value.
class Merge {
 public:
  explicit Merge(Problems& problems) : problems_(problems) {}

  void add(Node document) {
    if (whole_ && (document.kind == Node::Kind::null || whole_->kind == Node::Kind::invalid)) return;
    if (!whole_ || whole_->kind == Node::Kind::null || document.kind != Node::Kind::map) {
      whole_ = std::move(document);  // one that is not a map is reported once, by the reader of the whole document
    } else if (whole_->kind == Node::Kind::map) {
      add_keys(*whole_, std::move(document), "", top_);
    }
  }

  [[nodiscard]] std::optional<Node> take() { return std::move(whole_); }

 private:
  // The keys of a section of the whole, kept from file to file: thousands of files may add a token each.
  struct Section {
    bool is_known = false;
    std::unordered_map<std::string, std::size_t> places;  // in the entries of its node
    std::map<std::string, std::unique_ptr<Section>> sections;
  };

  void add_keys(Node& base, Node more, const std::string& path, Section& section) {
    if (!std::exchange(section.is_known, true)) {
      for (std::size_t i = 0; i < base.entries.size(); ++i) section.places.emplace(base.entries[i].key, i);
    }
    for (Node::Entry& entry : more.entries) {
      const auto [place, is_new] = section.places.emplace(entry.key, base.entries.size());
      if (is_new) {
        base.entries.push_back(std::move(entry));
      } else {
        const std::string full = path + entry.key;
        join(base.entries[place->second], std::move(entry), full, section);
      }
    }
  }

  void join(Node::Entry& mine, Node::Entry other, const std::string& path, Section& section) {
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
      auto& below = section.sections[mine.key];
      if (below == nullptr) below = std::make_unique<Section>();
      add_keys(mine.value, std::move(other.value), path + ".", *below);
      return;
    }
    const std::string what = is_token ? "token " : is_lock ? "lock pattern " : "key ";
    problems_.error(other.key_place, what + in_quotes(is_token || is_lock ? mine.key : path) + " is already set at " +
                                         mine.key_place.text());
  }

  Problems& problems_;
  std::optional<Node> whole_;
  Section top_;
};

// Joins all texts to one document; nothing if one of them cannot be read as a document, because it may have the keys
// that the others lack.
std::optional<Node> read_documents(std::vector<ConfigText>& texts, Problems& problems) {
  Merge merge(problems);
  bool complete = !texts.empty();
  bool is_first = true;
  for (ConfigText& text : texts) {
    std::optional<Node> document;
    if (check_config_text(text, problems)) document = parse_yaml(text.name, text.text, problems);
    if (!document) {
      complete = false;
      continue;
    }
    if (std::exchange(is_first, false)) document->place.file = text.name;  // also of an empty document
    merge.add(std::move(*document));
  }
  return complete ? merge.take() : std::nullopt;
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
