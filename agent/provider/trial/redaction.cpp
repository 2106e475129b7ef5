#include "agent/provider/trial/redaction.hpp"

#include <algorithm>
#include <cmath>

#include "agent/base/ascii.hpp"
#include "agent/base/json.hpp"
#include "agent/config/schema/reference_check.hpp"
#include "agent/provider/trial/secret_words.hpp"

namespace jeton::agent {
namespace {

constexpr const char* hidden = "***";
constexpr std::size_t longest_body = 2000;  // bytes
constexpr std::size_t shortest_hidden = 6;  // bytes; below it is a flag or a number
constexpr std::size_t shortest_secret = 3;  // a shorter one would blot out ordinary text
constexpr std::size_t longest_scheme = 10;  // bytes: Basic, Bearer, Negotiate
constexpr int deepest_json = 64;

std::string without_words_like_tokens(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_token_character(text[end])) ++end;
    const std::string_view word = std::string_view(text).substr(i, end - i);
    out += looks_like_token(word) ? size_of(word) : std::string(word);
    if (end < text.size()) out += text[end++];
    i = end;
  }
  return out;
}

std::string shown_value(std::string_view name, std::string_view value, std::span<const SecretString> secrets,
                        Direction direction) {
  const bool code = direction == Direction::received && is_code_name(name) && looks_like_code(value);
  if (code) return shown_text(value, secrets);
  if (!value.empty() && is_secret_name(name)) return direction == Direction::received ? size_of(value) : hidden;
  // A value under a name that the provider chose may be as secret as the token.
  const bool own = direction == Direction::received && !name.empty() && !is_plain_name(name);
  if (own && value.size() >= shortest_hidden) return size_of(value);
  const std::string text = shown_text(value, secrets);
  return direction == Direction::received ? without_words_like_tokens(text) : text;
}

// name=value&name=value
std::string shown_pairs(std::string_view text, std::span<const SecretString> secrets, Direction direction) {
  std::string out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('&', begin), text.size());
    const std::string_view pair = text.substr(begin, end - begin);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    out += direction == Direction::received && looks_like_token(name) ? size_of(name) : shown_text(name, secrets);
    if (equals < pair.size()) out += "=" + shown_value(name, pair.substr(equals + 1), secrets, direction);
    if (end < text.size()) out += "&";
    begin = end + 1;
  }
  return out;
}

// A token may be a name, as of a map of sessions.
void hide_keys(WipingJson& object, std::span<const SecretString> secrets) {
  WipingJson shown = WipingJson::object();
  for (auto& [key, value] : object.items()) {
    const std::string_view name = key;
    const std::string text = looks_like_token(name) ? size_of(name) : shown_text(name, secrets);
    WipingText unique(text.data(), text.size());
    while (shown.contains(unique)) unique += '\'';
    shown[unique] = std::move(value);
  }
  object = std::move(shown);
}

// A number under a name of a secret, which no lifetime has.
bool is_secret_number(const WipingJson& json, const std::string& name) {
  constexpr double longest_plain = 99999;
  return json.is_number() && sounds_secret(name) && std::abs(json.get<double>()) > longest_plain;
}

void hide(WipingJson& json, const std::string& name, std::span<const SecretString> secrets, Direction direction,
          int depth) {
  const bool too_deep = json.is_structured() && depth > deepest_json;
  if (too_deep || (direction == Direction::received && is_secret_number(json, name))) {
    json = WipingText(hidden);
  } else if (json.is_object()) {
    for (auto& [key, value] : json.items()) {
      hide(value, std::string(std::string_view(key)), secrets, direction, depth + 1);
    }
    if (direction == Direction::received) hide_keys(json, secrets);
  } else if (json.is_array()) {
    for (auto& value : json) hide(value, name, secrets, direction, depth + 1);
  } else if (json.is_string()) {
    const std::string shown = shown_value(name, json.get_ref<const WipingJson::string_t&>(), secrets, direction);
    json = WipingText(shown.data(), shown.size());
  }
}

// A bare token in base64 ends in equals signs and is not a form.
bool is_form(std::string_view body) {
  constexpr std::string_view of_other_texts = " <{(\n\"'";
  const std::size_t equals = body.find('=');
  return equals != std::string_view::npos && body.find_first_of(of_other_texts) == std::string_view::npos &&
         !looks_like_token(body.substr(0, equals)) && body.find_first_not_of('=', equals) != std::string_view::npos;
}

// A body that is written as text may look like a form and hold a secret that a form would have encoded.
bool splits_a_secret(std::string_view body, std::span<const SecretString> secrets) {
  return std::any_of(secrets.begin(), secrets.end(), [body](const SecretString& secret) {
    return secret.reveal().find_first_of("&=") != std::string_view::npos &&
           body.find(secret.reveal()) != std::string_view::npos;
  });
}

}  // namespace

std::string shown_text(std::string_view text, std::span<const SecretString> secrets) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t longest = 0;
    for (const SecretString& secret : secrets) {
      if (secret.size() >= shortest_secret && secret.size() > longest && text.substr(i).starts_with(secret.reveal())) {
        longest = secret.size();
      }
    }
    const auto byte = static_cast<unsigned char>(text[i]);
    out += longest > 0 ? hidden : byte < 0x20 || byte == 0x7f ? " " : std::string(1, text[i]);
    i += std::max<std::size_t>(longest, 1);
  }
  return out;
}

std::string shown_url(std::string_view url, std::span<const SecretString> secrets, Direction direction) {
  const std::size_t fragment = std::min(url.find('#'), url.size());
  const std::size_t query = std::min(url.find('?'), fragment);
  std::string out = shown_text(url.substr(0, query), secrets);
  if (direction == Direction::received) out = without_words_like_tokens(out);
  if (query < fragment) out += "?" + shown_pairs(url.substr(query + 1, fragment - query - 1), secrets, direction);
  if (fragment < url.size()) out += "#" + shown_pairs(url.substr(fragment + 1), secrets, direction);
  return out;
}

std::string shown_header(const std::string& name, std::string_view value, std::span<const SecretString> secrets,
                         Direction direction) {
  const std::size_t blank = value.find(' ');
  const bool authorizes =
      equal_ignoring_case(name, "Authorization") || equal_ignoring_case(name, "Proxy-Authorization");
  const bool has_scheme = authorizes && blank <= longest_scheme;
  if (equal_ignoring_case(name, "Location")) return name + ": " + shown_url(value, secrets, direction);
  if (has_scheme) return name + ": " + std::string(value.substr(0, blank + 1)) + hidden;
  return name + ": " + shown_value(name, value, secrets, direction);
}

std::string shown_body(std::string_view body, std::span<const SecretString> secrets, Direction direction) {
  std::string out;
  WipingJson json = try_parse_wiping_json(body);
  if (json.is_string() && direction == Direction::received) {
    out = size_of(body);
  } else if (!json.is_discarded() && json.is_structured()) {
    hide(json, "root", secrets, direction, 0);  // an unnamed list entry may be a token
    out = std::string(json_text(json).reveal());
  } else if (is_form(body) && !splits_a_secret(body, secrets)) {
    out = shown_pairs(body, secrets, direction);
  } else if (direction == Direction::received) {
    out = shown_text(unknown_text(body), secrets);
  } else {
    out = shown_value("", body, secrets, direction);
  }
  if (out.size() > longest_body) out = out.substr(0, longest_body) + "... (" + std::to_string(body.size()) + " bytes)";
  return out;
}

}  // namespace jeton::agent
