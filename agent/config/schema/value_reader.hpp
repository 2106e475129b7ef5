// ValueReader: the value of one key of the configuration, present or not, and the types that a schema can read it as.
// ObjectReader: a section with a fixed set of keys. The schema asks for every one of them, then calls finish(), which
// reports all other keys.
//
// Every read function returns nothing, and reports a problem at the right place, if the value has another type; it
// returns nothing without a problem if the key is missing. The schema reads all its keys, present or not: run over an
// empty document with Reading::paths set, the same code lists every known key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/time.hpp"
#include "agent/config/schema/reference_check.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/config/yaml/problem.hpp"
#include "agent/config/yaml/yaml_document.hpp"

namespace jeton::agent {

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
  // The same with the path before the message: "coordination.prefix is empty". Nothing is what a read function returns
  // then.
  std::nullopt_t refuse(const std::string& message) const {
    error(path_ + message);
    return std::nullopt;
  }
  std::nullopt_t refuse(const Error& why) const { return refuse(std::string(": ") + why.what()); }
  void warn(const std::string& message) const { warning(path_ + message); }

  // The result of `parse` for the text; nothing, and a problem, if it throws Error.
  template <typename Value>
  [[nodiscard]] std::optional<Value> parsed(std::string_view text, Value (*parse)(std::string_view)) const {
    try {
      return parse(text);
    } catch (const Error& e) {
      return refuse(e);
    }
  }

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
  // A credential that is not empty, as one that a template of a deployment left out would be.
  [[nodiscard]] std::optional<SecretTemplate> filled_secret() const;
  // Of a text, which may be empty, or of a list of them; empty if the key is not there.
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
  // `certificate`: of a key.
  void refer(const std::filesystem::path& file, TlsUse use, const std::filesystem::path& certificate) const {
    reading_->files.push_back({place(), file, reading_->token, use, certificate});
  }

  // A section; a key without a value is an empty one.
  [[nodiscard]] ObjectReader object() const;
  // A list of sections; while the schema is listed, one. Each has the path of the list.
  [[nodiscard]] std::vector<ValueReader> items() const;
  // A map whose keys are names of the user's; while the schema is listed, one name '*'.
  [[nodiscard]] std::vector<Member> members() const;
  // Unchanged; lists the path.
  [[nodiscard]] const Node* raw() const;

 private:
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

class ObjectReader {
 public:
  // `node` may be null: the section is not there. `path` is empty for the whole document.
  ObjectReader(Reading& reading, const Node* node, std::string path, Place place)
      : reading_(reading), node_(node), path_(std::move(path)), place_(std::move(place)) {}

  [[nodiscard]] bool present() const { return node_ != nullptr; }
  [[nodiscard]] const Place& place() const { return place_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] ValueReader at(std::string_view key);
  // The same, and a problem if the section is there and the key is not.
  [[nodiscard]] ValueReader required(std::string_view key);
  // Unknown keys, each with the known one that was meant or all that are known.
  void finish() const;

 private:
  Reading& reading_;
  const Node* node_;
  std::string path_;
  Place place_;
  std::vector<std::string> known_;
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
