#include "agent/config/schema/value_reader.hpp"

#include <algorithm>

#include "agent/config/secrets/secret_file.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

// "$CLIENT_SECRET"
bool looks_like_shell_variable(const std::string& text) {
  return text.size() > 2 && text[0] == '$' && text[1] >= 'A' && text[1] <= 'Z' &&
         std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

// A number with a unit. `text`: null if there is none.
template <typename Value, typename Parse, typename Format>
std::optional<Value> quantity(const ValueReader& value, const std::string* text, const std::string& expected, Value min,
                              Value max, Parse parse, Format format) {
  if (text == nullptr) return std::nullopt;
  const auto parsed = parse(*text);
  if (!parsed) return value.refuse(": expected " + expected + "; got " + in_quotes(*text));
  if (*parsed < min || *parsed > max) {
    return value.refuse(" is out of range: " + *text + " is not in " + format(min) + " to " + format(max));
  }
  return *parsed;
}

}  // namespace

Place ValueReader::place() const {
  if (node_ == nullptr || node_->kind == Node::Kind::null || node_->place.line == 0) return place_;
  return node_->place;
}

void ValueReader::wrong(const Node& node, std::string_view expected) const {
  if (node.kind == Node::Kind::invalid) return;  // reported by the parser
  std::string got = node.kind == Node::Kind::null       ? "nothing"
                    : node.kind == Node::Kind::sequence ? "a list"
                    : node.kind == Node::Kind::map      ? "a map of keys"
                                                        : "text";
  if (node.kind == Node::Kind::sequence && expected.starts_with("a map")) {
    got += path_.empty()
               ? ", whose items begin with '- '; write the keys, such as version: and tokens:, without the '-'"
               : ", whose items begin with '- '; write each item as a key with its values: NAME: {...}";
  }
  const std::size_t colon = node.scalar.find(':');
  const bool is_url = colon != std::string::npos && node.scalar.substr(colon).starts_with("://");
  if (expected.starts_with("a map") && colon != std::string::npos && !is_url) {
    got += "; a blank must follow the ':' of a key";
  }
  reading_->problems.error(
      node.kind == Node::Kind::null ? place() : node.place,
      (path_.empty() ? "the document" : path_) + ": expected " + std::string(expected) + "; got " + got);
}

const Node* ValueReader::raw() const {
  if (reading_->paths != nullptr) reading_->paths->push_back(path_);
  return node_;
}

const std::string* ValueReader::scalar(std::string_view expected) const {
  const Node* node = raw();
  if (node == nullptr) return nullptr;
  if (node->kind == Node::Kind::scalar) return &node->scalar;
  wrong(*node, expected);
  return nullptr;
}

const Node* ValueReader::map(std::string_view expected) const {
  if (node_ == nullptr || node_->kind == Node::Kind::map || node_->kind == Node::Kind::null) return node_;
  wrong(*node_, expected);
  return nullptr;
}

std::optional<std::string> ValueReader::lines() const {
  const std::string* text = scalar("text");
  if (text == nullptr) return std::nullopt;
  if (!text->empty()) return *text;
  return refuse(" is empty; expected text, or leave the key out");
}

std::optional<std::string> ValueReader::text() const {
  auto text = lines();
  if (!text || !has_control_characters(*text)) return text;
  return refuse(": the text holds a line break or control character");
}

std::optional<bool> ValueReader::boolean() const {
  const std::string* text = scalar("true or false");
  if (text == nullptr) return std::nullopt;
  if (node_->plain && (*text == "true" || *text == "false")) return *text == "true";
  return refuse(": expected true or false; got " + in_quotes(*text));
}

std::optional<std::uint64_t> ValueReader::integer(std::uint64_t min, std::uint64_t max) const {
  const std::string* text = scalar("a whole number");
  if (text == nullptr) return std::nullopt;
  const std::string range = std::to_string(min) + " to " + std::to_string(max);
  const auto number = parse_unsigned(*text);
  if (!number) return refuse(": expected a whole number from " + range + "; got " + in_quotes(*text));
  if (*number < min || *number > max) return refuse(" is out of range: " + *text + " is not in " + range);
  return number;
}

std::optional<Milliseconds> ValueReader::duration(Milliseconds min, Milliseconds max) const {
  const std::string expected = "a duration like 500ms, 30s, 5m, 24h or 7d";
  return quantity(*this, scalar(expected), expected, min, max, parse_duration, format_duration);
}

std::optional<std::size_t> ValueReader::size(std::size_t min, std::size_t max) const {
  const std::string expected = "a size like 512B, 8KiB or 1MiB";
  return quantity(*this, scalar(expected), expected, min, max, parse_size, format_size);
}

std::optional<SecretTemplate> ValueReader::secret(SecretUse use) const {
  const std::string* text = scalar("text or a reference like ${file:/path}");
  if (text == nullptr) return std::nullopt;
  const bool is_credential = use == SecretUse::credential;
  auto secret = parsed(is_credential ? without_line_ends(*text) : *text, SecretTemplate::parse);
  if (!secret) return std::nullopt;
  if (use == SecretUse::header && has_control_characters(*text)) {
    refuse(": a line break or control character cannot be sent in a header");
  }
  if (const auto why = misplaced_reference(*secret, reading_->request)) return refuse(": " + *why);
  if (secret->has_reference()) {
    refer(*secret, use);
  } else if (looks_like_shell_variable(*text)) {
    warn(" looks like a shell variable and is sent unchanged; did you mean ${env:NAME}?");
  } else if (!secret->empty() && sounds_secret(path_.substr(path_.rfind('.') + 1))) {
    warn(" is a literal secret; put it into a file of mode 0600 and write ${file:PATH}, or ${credential:NAME}");
  }
  return secret;
}

std::optional<SecretTemplate> ValueReader::filled_secret() const {
  auto text = secret(SecretUse::credential);
  if (!text || !text->empty()) return text;
  return refuse(" is empty; expected text or a reference like ${file:/path}, or leave the key out");
}

std::vector<SecretTemplate> ValueReader::secrets(SecretUse use) const {
  std::vector<SecretTemplate> result;
  if (node_ == nullptr || node_->kind != Node::Kind::sequence) {
    if (auto one = secret(use)) result.push_back(std::move(*one));
    return result;
  }
  if (node_->items.empty()) refuse(" is an empty list; leave the key out");
  for (const Node& item : node_->items) {
    if (auto one = ValueReader(*reading_, &item, path_, item.place).secret(use)) result.push_back(std::move(*one));
  }
  return result;
}

std::vector<std::string> ValueReader::list() const {
  std::vector<std::string> result;
  const Node* node = raw();
  if (node == nullptr) return result;
  if (node->kind != Node::Kind::sequence) {
    wrong(*node, "a list like [a, b]");
    return result;
  }
  for (const Node& item : node->items) {
    // text() is not used here, because it would list the path again.
    if (item.kind != Node::Kind::scalar) {
      wrong(item, "only text in the list");
    } else if (std::find(result.begin(), result.end(), item.scalar) != result.end()) {
      reading_->problems.error(item.place, path_ + " lists " + in_quotes(item.scalar) + " twice");
    } else if (item.scalar.empty() || has_control_characters(item.scalar)) {
      reading_->problems.error(item.place, path_ + ": a name is empty or holds a line break or control character");
    } else {
      result.push_back(item.scalar);
    }
  }
  return result;
}

std::optional<std::size_t> ValueReader::choose(const std::vector<std::string_view>& names) const {
  std::string all;
  for (const std::string_view name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  const std::string* text = scalar("one of " + all);
  if (text == nullptr) return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const auto meant = nearest(*text, names);
  return refuse(": unknown value " + in_quotes(*text) +
                (meant ? "; did you mean " + in_quotes(std::string(*meant)) + "?" : "; expected one of " + all));
}

ObjectReader ValueReader::object() const { return {*reading_, map("a map of keys"), path_, place_}; }

std::vector<ValueReader> ValueReader::items() const {
  std::vector<ValueReader> result;
  if (reading_->paths != nullptr) {
    result.emplace_back(*reading_, nullptr, path_, place_);
    return result;
  }
  if (node_ == nullptr || node_->kind == Node::Kind::null) return result;
  if (node_->kind != Node::Kind::sequence) {
    wrong(*node_, "a list, whose items begin with '- '");
    return result;
  }
  for (const Node& item : node_->items) result.emplace_back(*reading_, &item, path_, item.place);
  return result;
}

std::vector<Member> ValueReader::members() const {
  std::vector<Member> result;
  if (reading_->paths != nullptr) {
    result.push_back({"*", place_, ValueReader(*reading_, nullptr, path_ + ".*", place_)});
    return result;
  }
  const Node* node = map("a map of names");
  if (node == nullptr) return result;
  for (const Node::Entry& entry : node->entries) {
    if (entry.key.empty() || has_control_characters(entry.key)) {
      reading_->problems.error(entry.key_place, path_ + ": a name is empty or holds a control character");
      continue;
    }
    result.push_back(
        {entry.key, entry.key_place, ValueReader(*reading_, &entry.value, path_ + "." + entry.key, entry.key_place)});
  }
  return result;
}

ValueReader ObjectReader::at(std::string_view key) {
  known_.emplace_back(key);
  const std::string path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  const Node::Entry* entry = node_ == nullptr ? nullptr : node_->find(key);
  if (entry == nullptr) return {reading_, nullptr, path, place_};
  return {reading_, &entry->value, path, entry->key_place};
}

ValueReader ObjectReader::required(std::string_view key) {
  ValueReader value = at(key);
  if (present() && !value.present()) {
    reading_.problems.error(
        place_, "missing required key " + in_quotes(std::string(key)) + (path_.empty() ? "" : " in " + path_));
  }
  return value;
}

void ObjectReader::finish() const {
  if (node_ == nullptr) return;
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const Node::Entry& entry : node_->entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    std::string message = "unknown key " + in_quotes(entry.key) + (path_.empty() ? "" : " in " + path_);
    if (const auto meant = nearest(entry.key, known)) {
      message += "; did you mean " + in_quotes(std::string(*meant)) + "?";
    } else {
      message += "; known keys:";
      for (const std::string_view key : known) message += (key == known.front() ? " " : ", ") + std::string(key);
    }
    reading_.problems.error(entry.key_place, message);
  }
}

}  // namespace jeton::agent
