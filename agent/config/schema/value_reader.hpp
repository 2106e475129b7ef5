// ValueReader: the value of one key of the configuration, present or not, and the types that a schema can read it as.
//
// Every read function returns nothing, and reports a problem at the right place, if the value has another type; it
// returns nothing without a problem if the key is missing. The schema reads all its keys, present or not: run over an
// empty document with Reading::paths set, the same code lists every known key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/config/secrets/reference_place.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/config/yaml/problem.hpp"
#include "agent/config/yaml/yaml_document.hpp"

namespace jeton::agent {

// The use of a secret, which decides what it may hold besides text.
enum class SecretUse { any, header, json, seal_key };

// A reference to be tried once everything is read (reference_check.hpp).
struct SecretReference {
  Place place;
  SecretTemplate secret;
  SecretUse use = SecretUse::any;
  std::string token{};  // the token whose source contains it; empty: elsewhere
};

// A user or group of this host that is named, to be looked up once everything is read (reference_check.hpp).
struct AccountReference {
  enum class Kind { user, group };
  Place place;
  Kind kind = Kind::user;
  std::string name;
};

// A file that is used as it is, to be opened once everything is read.
struct FileReference {
  Place place;
  std::filesystem::path file;
  std::string token{};  // as above
};

// An output of a token, to be compared with all others once everything is read (output_schema.cpp).
struct OutputReference {
  Place place;           // of its path
  Place template_place;  // of its content
  std::string token;
  std::filesystem::path path;
  std::set<std::string> others{};  // the other tokens that its content names
};

// The data that is collected while one configuration is read.
struct Reading {
  Problems& problems;
  std::vector<SecretReference> secrets{};
  std::vector<AccountReference> accounts{};
  std::vector<FileReference> files{};
  std::vector<OutputReference> outputs{};
  std::map<std::string, std::string> redis_keys{};  // keys that the user chose, each with the path that names it
  std::string token{};                              // the token whose source is being read
  const RequestReferences* request = nullptr;       // of the request of a source, while that is being read
  std::vector<std::string>* paths = nullptr;        // if set, the schema is listed here: "tokens.*.source.url"
};

class ObjectReader;
struct Member;

class ValueReader {
 public:
  // `node` may be null: the key is not there. `place` is that of the key, or of the section that lacks it.
  ValueReader(Reading& reading, const Node* node, std::string path, Place place)
      : reading_(&reading), node_(node), path_(std::move(path)), place_(std::move(place)) {}

  [[nodiscard]] bool present() const { return node_ != nullptr; }
  [[nodiscard]] bool is_map() const { return node_ != nullptr && node_->kind == Node::Kind::map; }
  // The place for a problem with the value: the value itself if it is there.
  [[nodiscard]] Place place() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  void error(const std::string& message) const { reading_->problems.error(place(), message); }
  void warning(const std::string& message) const { reading_->problems.warning(place(), message); }

  // One line, never empty.
  [[nodiscard]] std::optional<std::string> text() const;
  // Of any number of lines, never empty.
  [[nodiscard]] std::optional<std::string> lines() const;
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::optional<std::uint64_t> integer(std::uint64_t min, std::uint64_t max) const;
  [[nodiscard]] std::optional<Milliseconds> duration(Milliseconds min, Milliseconds max) const;
  [[nodiscard]] std::optional<std::size_t> size(std::size_t min, std::size_t max) const;
  // Text that may refer to secrets. Warns of a literal if the key sounds like a secret.
  [[nodiscard]] std::optional<SecretTemplate> secret(SecretUse use = SecretUse::any) const;
  // The same of a text or of a list of them; empty if the key is not there.
  [[nodiscard]] std::vector<SecretTemplate> secrets(SecretUse use = SecretUse::any) const;
  // A list of texts, none twice; empty if the key is not there.
  [[nodiscard]] std::vector<std::string> list() const;
  template <typename Enum>
  [[nodiscard]] std::optional<Enum> choice(std::span<const std::pair<std::string_view, Enum>> choices) const;
  template <typename Enum>
  [[nodiscard]] std::optional<Enum> choice(std::initializer_list<std::pair<std::string_view, Enum>> choices) const {
    return choice(std::span(choices.begin(), choices.size()));
  }

  // A value that is one reference and no other text; it is checked like the others.
  void refer(const SecretTemplate& secret, SecretUse use) const {
    reading_->secrets.push_back({place(), secret, use, reading_->token});
  }

  void refer(const std::filesystem::path& file) const { reading_->files.push_back({place(), file, reading_->token}); }

  // A section; a key without a value is an empty one.
  [[nodiscard]] ObjectReader object() const;
  // A list of sections; while the schema is listed, one. Each has the path of the list.
  [[nodiscard]] std::vector<ValueReader> items() const;
  // A map whose keys are names of the user's; while the schema is listed, one name '*'.
  [[nodiscard]] std::vector<Member> members() const;
  // Unchanged; lists the path.
  [[nodiscard]] const Node* raw() const;

 private:
  friend class ObjectReader;
  [[nodiscard]] const std::string* scalar(std::string_view expected) const;
  [[nodiscard]] const Node* map(std::string_view expected) const;
  [[nodiscard]] std::optional<std::size_t> choose(const std::vector<std::string_view>& names) const;
  void wrong(const Node& node, std::string_view expected) const;

  Reading* reading_;
  const Node* node_;
  std::string path_;
  Place place_;
};

// A name and its value.
struct Member {
  std::string name;
  Place place;  // of the name
  ValueReader value;
};

template <typename Enum>
std::optional<Enum> ValueReader::choice(std::span<const std::pair<std::string_view, Enum>> choices) const {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : choices) names.push_back(name);
  const auto index = choose(names);
  if (!index) return std::nullopt;
  return choices[*index].second;
}

// Assigns the value if there is one; otherwise the default stays.
template <typename Target, typename Value>
void assign(Target& target, std::optional<Value> value) {
  if (value) target = std::move(*value);
}

}  // namespace jeton::agent
