#include "agent/provider/answer/token_answer.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "agent/base/ascii.hpp"
#include "agent/config/text/values.hpp"
#include "agent/provider/answer/json_body.hpp"
#include "agent/provider/answer/refusal.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

using In = AnswerPlace::In;

constexpr std::size_t smallest_recognised = 8;  // bytes; a shorter token may be part of an innocent text
constexpr std::size_t most_names = 8;           // of an answer, in a message
constexpr std::size_t longest_name = 32;        // bytes

constexpr std::array<std::string_view, 32> auth_schemes{
    // https://www.iana.org/assignments/http-authschemes
    "Basic", "Bearer", "Concealed", "Digest", "DPoP", "GNAP", "HOBA", "Mutual", "Negotiate", "OAuth", "PrivateToken",
    "SCRAM-SHA-1", "SCRAM-SHA-256", "vapid",
    // Schemes of providers.
    "API-Key", "ApiKey", "AWS4-HMAC-SHA256", "Bot", "GenieKey", "GoogleLogin", "Hawk", "JWT", "Key", "MAC", "NTLM",
    "PoP", "Snowflake", "Splunk", "SSO-Key", "SSWS", "Token", "Zoho-oauthtoken"};
constexpr std::size_t standard_schemes = 14;  // of them, the first
// What a token is for, and not how it is presented: Slack, and RFC 8693 section 2.2.1.
constexpr std::array<std::string_view, 3> kinds_of_tokens{"bot", "user", "N_A"};

constexpr std::size_t longest_plain_word = 16;  // bytes; a longer one with a digit may be a secret

// A standard scheme as its standard writes it: readers put it in front of the token, and many servers compare it byte
// by byte. The spelling of another one is its provider's.
std::string spelled(std::string_view scheme) {
  const auto standard = std::span(auth_schemes).first(standard_schemes);
  const auto found = std::find_if(standard.begin(), standard.end(),
                                  [&](std::string_view one) { return equal_ignoring_case(one, scheme); });
  return std::string(found == standard.end() ? scheme : *found);
}

bool is_name_character(char c) { return is_ascii_alphanumeric(c) || c == '-' || c == '.' || c == '_'; }

bool has_digit(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

[[noreturn]] void refuse(const std::string& what) { throw SourceError(SourceError::Kind::transient, what); }

// A place as messages name it: "type (/token_type)".
std::string named(const std::string& key, const AnswerPlace& place) { return key + " (" + place.text() + ")"; }

struct TokenText {
  SecretString value;
  std::string scheme;  // empty: it has none
};

// "TOKEN" or "SCHEME TOKEN". Any other text with a blank is not a token, and no part of it is shown. `name`: its place
// in the answer.
TokenText split_token(std::string_view text, const std::string& name) {
  TokenText token;
  const std::size_t blank = text.find(' ');
  if (blank != std::string_view::npos && is_auth_scheme(text.substr(0, blank))) {
    token.scheme = spelled(text.substr(0, blank));
    text = without_blanks(text.substr(blank));
  }
  if (const auto fault = fault_of_value(text)) {
    refuse("the " + name + " in the provider's answer " + *fault +
           (blank != std::string_view::npos && token.scheme.empty()
                ? "; only an authentication scheme such as Bearer may precede a token"
                : ""));
  }
  token.value = SecretString(text);
  return token;
}

// A word that cannot be a token: the names in an answer help to find the right pointer.
bool is_plain_key(std::string_view key) {
  return !key.empty() && key.size() <= longest_name && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
  });
}

std::string names_in(const WipingJson& json) {
  if (!json.is_object()) return {};
  std::string names;
  std::size_t count = 0;
  for (const auto& member : json.items()) {
    const std::string_view key = member.key();
    if (!is_plain_key(key) || ++count > most_names) continue;
    names += (names.empty() ? "" : ", ") + std::string(key);
  }
  return names;
}

[[noreturn]] void refuse_missing_token(const AnswerContent& content, const ResponseConfig& config) {
  const AnswerPlace& place = config.token;
  if (place.in == In::header) refuse_answer("has no " + place.text() + "; check response.token");
  if (place.in == In::cookie) refuse_answer("sets no " + place.text() + "; check response.token");
  const std::string names = names_in(content.json);
  refuse_answer("has no " + named("token", place) + "; check response.token" +
                (names.empty() ? "" : ". At its top it has: " + names) +
                (config.error.empty() ? ". If one of its values says what went wrong, name it by response.error" : ""));
}

// The whole body: a text, or a text as JSON writes it.
TokenText whole_body(const AnswerContent& content) {
  const std::string name = "token (the whole body)";
  const std::string_view text = without_blanks(without_byte_order_mark(content.body.reveal()));
  if (text.starts_with('"')) {
    const WipingJson json = parse_json_body(text);
    return split_token(text_in(json), name);
  }
  if (text.starts_with('{') || text.starts_with('[') || text.starts_with('<'))
    refuse("the " + name + " in the provider's answer is JSON or a page; is response.format right?");
  return split_token(text, name);
}

// A repeated header is refused like a repeated key of JSON.
void refuse_second_header(const std::vector<HttpHeader>& headers, const std::string& name) {
  const SecretString* const first = find_header(headers, name);
  for (const HttpHeader& header : headers) {
    if (equal_ignoring_case(header.name, name) && !(*first == header.value))
      refuse_answer("has the header " + name + " twice with different values, so the token is ambiguous");
  }
}

TokenText find_token(const AnswerContent& content, const ResponseConfig& config) {
  if (config.format == ResponseConfig::Format::text) return whole_body(content);
  const std::string name = named("token", config.token);
  if (content.json.is_string() && config.token.in == In::body) return split_token(text_in(content.json), name);
  const auto value = content.find(config.token);
  if (!value) refuse_missing_token(content, config);
  if (config.token.in == In::header) refuse_second_header(content.headers, config.token.name);
  if (!value->is_string())
    refuse("the " + name + " in the provider's answer is a JSON " + value->type_name() + ", not a string");
  return split_token(text_in(*value), name);
}

// The values that must not become visible to every user.
std::vector<SecretString> secrets_in(const AnswerContent& content, const ResponseConfig& config,
                                     const SecretString& token) {
  std::vector<SecretString> secrets{token};
  const auto refresh_token = content.find(config.refresh_token);
  if (refresh_token && refresh_token->is_string()) secrets.emplace_back(text_in(*refresh_token));
  return secrets;
}

bool shows(std::string_view text, std::span<const SecretString> secrets) {
  return std::any_of(secrets.begin(), secrets.end(), [&](const SecretString& secret) {
    return text == secret.reveal() ||
           (secret.size() >= smallest_recognised && text.find(secret.reveal()) != std::string_view::npos);
  });
}

// A URI (RFC 6749 section 8.1) cannot be a scheme either.
bool is_kind_of_token(std::string_view word) {
  return word.starts_with("urn:") || word.starts_with("https://") ||
         std::find(kinds_of_tokens.begin(), kinds_of_tokens.end(), word) != kinds_of_tokens.end();
}

// Whether the word may be shown as the type of a token, which every user can see: a known scheme, or a token_type as in
// RFC 6749 that does not look like a secret itself.
bool may_be_type(std::string_view word) {
  if (is_auth_scheme(word)) return true;
  if (word.empty() || !is_token_type(word)) return false;
  return std::all_of(word.begin(), word.end(), is_name_character) &&
         (word.size() < longest_plain_word || !has_digit(word));
}

// "Application Access Token" of eBay: of no use as a type, and no reason to refuse the token.
bool is_prose(std::string_view text) {
  constexpr std::size_t longest_word = 24;  // bytes
  std::size_t letters = 0;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && c != ' ' && c != '/' && c != '-' && c != '_') return false;
    letters = letter ? letters + 1 : 0;
    if (letters > longest_word) return false;
  }
  return true;
}

std::string find_type(const AnswerContent& content, const ResponseConfig& config,
                      std::span<const SecretString> secrets) {
  const auto value = content.find(config.type);
  if (!value || !value->is_string()) return {};
  const std::string name = "the " + named("type", config.type) + " in the provider's answer ";
  const std::string_view type = text_in(*value);
  if (type.empty()) return {};
  if (shows(type, secrets)) refuse(name + "is the token itself, and every user can see the type; change its pointer");
  if (is_kind_of_token(type)) return {};
  if (may_be_type(type)) return spelled(type);
  if (is_prose(type)) return {};
  refuse(name + "is not a word such as Bearer, and may be a secret; change its pointer");
}

// Every user can see attributes (status, logs), so a pointer that leads to a secret is a mistake.
Attributes find_attributes(const AnswerContent& content, const ResponseConfig& config,
                           std::span<const SecretString> secrets) {
  Attributes attributes;
  for (const auto& [key, place] : config.attributes) {
    const auto value = content.find(place);
    if (!value) continue;
    const std::string name = "the attribute " + key + " (" + place.text() + ") in the provider's answer ";
    if (value->is_structured()) refuse(name + "is a JSON " + value->type_name() + "; point to a single value");
    std::string text = scalar_text(*value);
    const bool is_secret = shows(text, secrets);
    if (is_secret) wipe(text);
    if (is_secret) refuse(name + "holds the token itself, and every user can see attributes; change its pointer");
    if (text.size() > max_attribute_size)
      refuse(name + "is longer than " + std::to_string(max_attribute_size) + " bytes");
    attributes.emplace(key, std::move(text));
  }
  return attributes;
}

}  // namespace

bool is_auth_scheme(std::string_view word) {
  return std::any_of(auth_schemes.begin(), auth_schemes.end(),
                     [&](std::string_view scheme) { return equal_ignoring_case(scheme, word); });
}

TokenAnswer token_in(const AnswerContent& content, const ResponseConfig& config, LifetimeBegin begin) {
  if (content.unreadable) throw SourceError(*content.unreadable);
  TokenText found = find_token(content, config);
  const std::vector<SecretString> secrets = secrets_in(content, config, found.value);
  TokenAnswer answer;
  FetchedToken& token = answer.token;
  token.type = find_type(content, config, secrets);
  if (token.type.empty()) token.type = std::move(found.scheme);
  token.attributes = find_attributes(content, config, secrets);
  token.issued_at = begin.named;
  const AnswerExpiry expiry = expiry_in(content, config, found.value.reveal(), begin);
  token.expires_at = expiry.at;
  token.dated_end = expiry.dated;
  answer.end_by_default = expiry.by_default;
  token.value = std::move(found.value);
  return answer;
}

FetchedToken parse_http_answer(const HttpResponse& response, const ResponseConfig& config, const std::string& display,
                               WallTime sent_at, WallTime now, std::span<const SecretString> secrets) {
  const AnswerContent content = content_of(response, config, now);
  refuse_unless_accepted(response, content, config, display, secrets);
  try {
    return token_in(content, config, {sent_at, sent_at}).token;
  } catch (SourceError& e) {
    // A page of maintenance may have the status of a success, and say when to come back.
    e.set_retry_after(asked_pause(response, now));
    throw;
  }
}

FetchedToken parse_token_response(std::string_view body, const ResponseConfig& config, WallTime now,
                                  std::span<const SecretString> secrets) {
  const AnswerContent content = content_of(body, config, now);
  refuse_declared_error(content, config, secrets);
  return token_in(content, config, {now, now}).token;
}

}  // namespace jeton::agent
