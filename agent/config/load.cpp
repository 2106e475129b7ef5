#include "agent/config/load.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "agent/base/ascii.hpp"
#include "agent/base/bounded_wait.hpp"
#include "agent/base/error.hpp"
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

// Adds the keys of `more` to `base`. Sections are joined, a token is a whole: a key that both set is an error that
// names both places. `version` may be in every file, with the same value.
void merge_documents(Node& base, Node more, Problems& problems) {
  if (more.kind == Node::Kind::null || base.kind == Node::Kind::invalid) return;
  if (base.kind == Node::Kind::null || more.kind != Node::Kind::map || base.kind != Node::Kind::map) {
    // A value that is not a map is reported once, by the reader of the whole document.
    if (base.kind == Node::Kind::null || more.kind != Node::Kind::map) base = std::move(more);
    return;
  }
  merge_maps(base, std::move(more), "", problems);
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

bool ends_like_yaml(const std::filesystem::path& file) {
  std::string ending = file.extension().string();
  for (char& c : ending) c = ascii_lower(c);
  return ending == ".yaml" || ending == ".yml" || ending == ".json";
}

struct Listing {
  int error = 0;
  std::vector<std::filesystem::path> files;
};

Listing list(const std::filesystem::path& directory) {
  Listing listing;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    listing.files.push_back(entry->path());
  }
  listing.error = error.value();
  // A dangling link is probably a mistake.
  std::error_code ignored;
  const bool is_link = std::filesystem::is_symlink(std::filesystem::symlink_status(directory, ignored));
  if (listing.error == ENOENT && !is_link) listing.error = 0;
  std::sort(listing.files.begin(), listing.files.end());
  return listing;
}

}  // namespace

ConfigFiles read_config_files(const std::vector<std::filesystem::path>& files) {
  ConfigFiles result;
  for (const std::filesystem::path& file : files) {
    result.names.push_back(file.string());
    if (auto text = read_config_text(file, result.problems)) result.texts.push_back(std::move(*text));
  }
  if (files.empty()) result.problems.error({}, "no configuration file is given; name one with --config");
  return result;
}

ConfigFiles read_default_files(const std::filesystem::path& folder) {
  const std::filesystem::path drop_ins = folder / "agent.d";
  const Place place{drop_ins.string(), 0, 0};
  Problems problems;
  std::vector<std::filesystem::path> files{folder / "agent.yaml"};
  try {
    const Listing listing = bounded(drop_ins.string(), [drop_ins] { return list(drop_ins); });
    if (listing.error != 0) throw errno_error(drop_ins.string(), listing.error);
    for (const std::filesystem::path& file : listing.files) {
      if (file.filename().string().starts_with('.')) continue;  // of editors
      if (file.extension() == ".yaml") {
        files.push_back(file);
      } else if (ends_like_yaml(file)) {
        problems.warning({file.string(), 0, 0}, "is not read: only files whose name ends in .yaml are read; rename it");
      }
    }
  } catch (const Error& e) {
    problems.error(place, std::string("cannot read the folder; without it, its tokens would be removed: ") + e.what());
  }
  ConfigFiles result = read_config_files(files);
  result.problems.add(std::move(problems));
  return result;
}

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
