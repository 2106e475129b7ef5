#include "agent/trial/redaction.hpp"

#include <algorithm>
#include <array>

#include "agent/config/secret_check.hpp"
#include "agent/token/wiping_json.hpp"

namespace jeton::agent {
namespace {

constexpr const char* hidden = "***";
constexpr std::size_t longest_body = 2000;  // bytes
constexpr std::size_t shortest_token = 16;  // bytes; see looks_like_token()
constexpr std::size_t shortest_hidden = 6;  // bytes; below it is a flag or a number
constexpr std::size_t shortest_secret = 3;  // a shorter one would blot out ordinary text
constexpr std::size_t longest_scheme = 10;  // bytes: Basic, Bearer, Negotiate
constexpr int deepest_json = 64;

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// A name whose value is nobody's to see; more than sounds_secret(), which only warns.
bool is_secret_name(std::string_view name) {
  constexpr std::array<std::string_view, 7> whole{"cookie", "setcookie",         "code", "key", "jwt",
                                                  "auth",   "proxyauthorization"};
  std::string plain;
  for (const char c : lower_case(name)) {
    if (c >= 'a' && c <= 'z') plain += c;
  }
  return sounds_secret(name) || std::find(whole.begin(), whole.end(), plain) != whole.end();
}

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~' || c == '+' || c == '/' || c == '=';
}

// A long word with a digit in it: a token, or an id that need not be seen.
bool looks_like_token(std::string_view word) {
  return word.size() >= shortest_token && std::all_of(word.begin(), word.end(), is_token_character) &&
         std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Names whose text an operator needs and which no provider fills with a secret.
bool is_plain_name(std::string_view name) {
  constexpr std::array<std::string_view, 28> whole{
      "contenttype", "contentlength", "date",    "retryafter", "wwwauthenticate", "cachecontrol",     "server",
      "location",    "tokentype",     "type",    "scope",      "error",           "errordescription", "erroruri",
      "errmsg",      "errormessage",  "message", "msg",        "status",          "instanceurl",      "issuedat",
      "expiresat",   "expiration",    "expiry",  "reason",     "detail",          "requestid",        "expiresin"};
  std::string plain;
  for (const char c : lower_case(name)) {
    if (c >= 'a' && c <= 'z') plain += c;
  }
  return plain.starts_with("xratelimit") || std::find(whole.begin(), whole.end(), plain) != whole.end();
}

std::string size_of(std::string_view text) {
  return std::string(hidden) + " (" + std::to_string(text.size()) + " bytes)";
}

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
  if (!value.empty() && is_secret_name(name)) return direction == Direction::received ? size_of(value) : hidden;
  // What a provider gives under a name of its own may be as secret as the token.
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
    out += shown_text(name, secrets);
    if (equals < pair.size()) out += "=" + shown_value(name, pair.substr(equals + 1), secrets, direction);
    if (end < text.size()) out += "&";
    begin = end + 1;
  }
  return out;
}

void hide(WipingJson& json, const std::string& name, std::span<const SecretString> secrets, Direction direction,
          int depth) {
  if (json.is_structured() && depth > deepest_json) {
    json = WipingText(hidden);
  } else if (json.is_object()) {
    for (auto& [key, value] : json.items()) {
      hide(value, std::string(std::string_view(key)), secrets, direction, depth + 1);
    }
  } else if (json.is_array()) {
    for (auto& value : json) hide(value, name, secrets, direction, depth + 1);
  } else if (json.is_string()) {
    const std::string shown = shown_value(name, json.get_ref<const WipingJson::string_t&>(), secrets, direction);
    json = WipingText(shown.data(), shown.size());
  }
}

bool is_form(std::string_view body) {
  return std::find(body.begin(), body.end(), '=') != body.end() &&
         std::none_of(body.begin(), body.end(), [](char c) { return c == ' ' || c == '<' || c == '{' || c == '\n'; });
}

// A body that is written as text may look like a form and hold a secret that a form would have encoded.
bool splits_a_secret(std::string_view body, std::span<const SecretString> secrets) {
  return std::any_of(secrets.begin(), secrets.end(), [body](const SecretString& secret) {
    return secret.reveal().find_first_of("&=") != std::string_view::npos &&
           body.find(secret.reveal()) != std::string_view::npos;
  });
}

// JSON that is cut off or broken: its names and numbers, no text.
std::string shown_broken_json(std::string_view body) {
  std::string out;
  for (std::size_t i = 0; i < body.size();) {
    if (body[i] != '"') {
      out += body[i++];
      continue;
    }
    std::size_t end = i + 1;
    while (end < body.size() && body[end] != '"') end += body[end] == '\\' ? 2 : 1;
    end = std::min(end, body.size());
    const std::size_t next = body.find_first_not_of(" \t\r\n", end + 1);
    const bool is_name = next != std::string_view::npos && body[next] == ':';
    out += is_name ? std::string(body.substr(i, end + 1 - i)) : std::string("\"***\"");
    i = end + 1;
  }
  return out;
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

std::string shown_url(std::string_view url, std::span<const SecretString> secrets) {
  const std::size_t query = url.find('?');
  if (query == std::string_view::npos) return shown_text(url, secrets);
  return shown_text(url.substr(0, query + 1), secrets) + shown_pairs(url.substr(query + 1), secrets, Direction::sent);
}

std::string shown_header(const std::string& name, std::string_view value, std::span<const SecretString> secrets,
                         Direction direction) {
  const std::string key = lower_case(name);
  const std::size_t blank = value.find(' ');
  const bool has_scheme = (key == "authorization" || key == "proxy-authorization") && blank <= longest_scheme;
  if (has_scheme) return name + ": " + std::string(value.substr(0, blank + 1)) + hidden;
  return name + ": " + shown_value(name, value, secrets, direction);
}

std::string shown_body(std::string_view body, std::span<const SecretString> secrets, Direction direction) {
  std::string out;
  WipingJson json = try_parse_wiping_json(body);
  if (!json.is_discarded() && json.is_structured()) {
    hide(json, "", secrets, direction, 0);
    out = std::string(json_text(json).reveal());
  } else if (is_form(body) && !splits_a_secret(body, secrets)) {
    out = shown_pairs(body, secrets, direction);
  } else if (const auto first = body.find_first_not_of(" \t\r\n");
             first != std::string_view::npos && (body[first] == '{' || body[first] == '[')) {
    out = shown_text(shown_broken_json(body), secrets);
  } else {
    out = shown_value("", body, secrets, direction);
  }
  if (out.size() > longest_body) out = out.substr(0, longest_body) + "... (" + std::to_string(body.size()) + " bytes)";
  return out;
}

}  // namespace jeton::agent
