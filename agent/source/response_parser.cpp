#include "agent/source/response_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "agent/source/excerpt.hpp"
#include "agent/source/json_body.hpp"
#include "agent/source/json_pointer.hpp"
#include "agent/source/wire_time.hpp"
#include "agent/token/record_check.hpp"
#include "agent/token/wiping_json.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

constexpr std::size_t smallest_recognised = 8;  // bytes; a shorter token may be part of an innocent text

[[noreturn]] void refuse(const std::string& what) { throw SourceError(Kind::transient, what); }

// A field as messages name it: "expires_in (/data/ttl)".
std::string named(const char* key, const std::string& pointer) { return std::string(key) + " (" + pointer + ")"; }

std::string_view text_of(const WipingJson& value) { return value.get_ref<const WipingJson::string_t&>(); }

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Null counts as absent.
const WipingJson* field(const WipingJson& json, const std::string& pointer) {
  if (pointer.empty()) return nullptr;
  const WipingJson* value = find_by_pointer(json, pointer);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string scalar_text(const WipingJson& value) {
  if (value.is_string()) return std::string(text_of(value));
  if (value.is_structured()) return value.type_name();
  return std::string(json_text(value).reveal());
}

// `name`: where it stands.
SecretString checked_token(std::string_view token, const std::string& name) {
  if (const auto fault = fault_of_value(token)) refuse("the " + name + " in the provider's answer " + *fault);
  return SecretString(token);
}

SecretString parse_token(const WipingJson& json, const ResponseConfig& config) {
  const std::string name = named("token", config.token);
  const WipingJson* value = field(json, config.token);
  if (value == nullptr) refuse("the provider's answer has no " + name + "; check response.token");
  if (!value->is_string()) {
    refuse("the " + name + " in the provider's answer is a JSON " + value->type_name() + ", not a string");
  }
  return checked_token(text_of(*value), name);
}

std::optional<double> number_of(const WipingJson& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string() || !all_digits(text_of(value))) return std::nullopt;
  double number = 0;
  const std::string_view text = text_of(value);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} ? number : HUGE_VAL;
}

WallTime from_lifetime(const WipingJson& value, const std::string& pointer, WallTime now) {
  const std::string name = "the " + named("expires_in", pointer) + " in the provider's answer ";
  const std::optional<double> seconds = number_of(value);
  if (!seconds) refuse(name + "is not a number of seconds");
  if (*seconds < 0) refuse(name + "is negative");
  if (*seconds > std::chrono::duration<double>(max_lifetime).count()) refuse(name + "is more than ten years");
  const Milliseconds lifetime{static_cast<std::int64_t>(std::floor(*seconds * 1000))};
  if (lifetime <= Milliseconds{0}) refuse(name + "is zero");
  return now + lifetime;
}

WallTime from_instant(const WipingJson& value, const std::string& pointer, WallTime now) {
  const std::string name = "the " + named("expires_at", pointer) + " in the provider's answer ";
  std::optional<WallTime> time;
  if (const auto number = number_of(value)) {
    if (*number <= 0) refuse(name + (*number < 0 ? "is negative" : "is zero"));
    time = from_unix_number(*number);
    if (!time) refuse(name + "is more than ten years away");
  } else if (value.is_string()) {
    time = parse_rfc3339(text_of(value));
  }
  if (!time) refuse(name + "is neither unix seconds nor unix milliseconds nor an RFC 3339 date");
  if (*time <= now) refuse(name + "is already past; do the clocks of provider and host agree?");
  if (*time - now > max_lifetime) refuse(name + "is more than ten years away");
  return *time;
}

// If the answer has both forms, the earlier one counts.
WallTime parse_expiry(const WipingJson& json, const ResponseConfig& config, WallTime now) {
  std::optional<WallTime> expiry;
  if (const WipingJson* value = field(json, config.expires_in)) expiry = from_lifetime(*value, config.expires_in, now);
  if (const WipingJson* value = field(json, config.expires_at)) {
    const WallTime at = from_instant(*value, config.expires_at, now);
    expiry = expiry ? std::min(*expiry, at) : at;
  }
  if (expiry) return *expiry;
  if (config.default_lifetime) return now + *config.default_lifetime;
  std::string looked_for;
  if (!config.expires_in.empty()) looked_for = named("expires_in", config.expires_in);
  if (!config.expires_at.empty()) {
    looked_for += (looked_for.empty() ? "" : " and no ") + named("expires_at", config.expires_at);
  }
  refuse("the provider's answer has no " + (looked_for.empty() ? "expiry" : looked_for) +
         "; check the pointers or set response.default_lifetime");
}

std::string parse_type(const WipingJson& json, const ResponseConfig& config) {
  const WipingJson* value = field(json, config.type);
  if (value == nullptr) return {};
  const std::string name = "the " + named("type", config.type) + " in the provider's answer ";
  if (!value->is_string()) refuse(name + "is not a string");
  const std::string_view type = text_of(*value);
  if (!is_token_type(type)) refuse(name + "is not a word such as Bearer");
  return std::string(type);
}

// Attributes are shown to everybody (status, logs), so a pointer that leads to the token is a mistake.
Attributes parse_attributes(const WipingJson& json, const ResponseConfig& config, const SecretString& token) {
  Attributes attributes;
  for (const auto& [key, pointer] : config.attributes) {
    const WipingJson* value = field(json, pointer);
    if (value == nullptr) continue;
    const std::string name = "the attribute " + key + " (" + pointer + ") in the provider's answer ";
    if (value->is_structured()) refuse(name + "is a JSON " + value->type_name() + "; point to a single value");
    std::string text = scalar_text(*value);
    const bool is_token = text == token.reveal() ||
                          (token.size() >= smallest_recognised && text.find(token.reveal()) != std::string::npos);
    if (is_token) wipe(text);
    if (is_token) refuse(name + "holds the token itself, which attributes would show to everybody; change its pointer");
    if (text.size() > max_attribute_size) {
      refuse(name + "is longer than " + std::to_string(max_attribute_size) + " bytes");
    }
    attributes.emplace(key, std::move(text));
  }
  return attributes;
}

bool says_nothing(const WipingJson& value) {
  return (value.is_string() && (text_of(value).empty() || text_of(value) == "0")) ||
         (value.is_boolean() && !value.get<bool>()) || (value.is_number() && value.get<double>() == 0);
}

std::optional<std::string> declared_error(const WipingJson& json, const ResponseConfig& config,
                                          std::span<const SecretString> secrets) {
  const WipingJson* error = field(json, config.error);
  if (error == nullptr || says_nothing(*error)) return std::nullopt;
  std::vector<SecretString> hidden(secrets.begin(), secrets.end());
  const WipingJson* token = field(json, config.token);
  if (token != nullptr && token->is_string()) hidden.emplace_back(text_of(*token));

  std::string text = config.error + " " + excerpt(scalar_text(*error), hidden);
  const WipingJson* message = field(json, config.error_message);
  if (message != nullptr && message != error) text += ": \"" + excerpt(scalar_text(*message), hidden) + "\"";
  return text;
}

std::optional<Kind> ruled_kind(const WipingJson& json, const ResponseConfig& config) {
  const WipingJson* error = field(json, config.error);
  if (error == nullptr || says_nothing(*error)) return std::nullopt;
  const std::string value = scalar_text(*error);
  const auto lists = [&value](const std::vector<std::string>& values) {
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  if (lists(config.error_rules.permanent)) return Kind::permanent;
  return lists(config.error_rules.transient) ? std::optional(Kind::transient) : std::nullopt;
}

// `token`: found elsewhere already; otherwise it is in the answer.
FetchedToken read_answer(const WipingJson& json, const ResponseConfig& config, WallTime now,
                         std::span<const SecretString> secrets, std::optional<SecretString> token) {
  if (const auto error = declared_error(json, config, secrets)) {
    throw SourceError(ruled_kind(json, config).value_or(Kind::transient), "the provider answered with " + *error);
  }
  FetchedToken result;
  result.value = token ? std::move(*token) : parse_token(json, config);
  result.type = parse_type(json, config);
  result.attributes = parse_attributes(json, config, result.value);
  result.issued_at = now;
  result.expires_at = parse_expiry(json, config, now);
  return result;
}

bool uses_body(const ResponseConfig& config) {
  return !config.expires_in.empty() || !config.expires_at.empty() || !config.type.empty() || !config.error.empty() ||
         !config.attributes.empty();
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string_view header_value(const HttpResponse& response, const std::string& name) {
  const std::string wanted = lower_case(name);
  for (const HttpHeader& header : response.headers) {
    if (lower_case(header.name) == wanted) return header.value.reveal();
  }
  refuse("the provider's answer has no header " + name + "; check response.header");
}

}  // namespace

FetchedToken parse_token_response(std::string_view body, const ResponseConfig& config, WallTime now,
                                  std::span<const SecretString> secrets) {
  return read_token(parse_json_object(body), config, now, secrets);
}

FetchedToken read_token(const WipingJson& answer, const ResponseConfig& config, WallTime now,
                        std::span<const SecretString> secrets) {
  return read_answer(answer, config, now, secrets, std::nullopt);
}

FetchedToken parse_http_answer(const HttpResponse& response, const ResponseConfig& config, WallTime now,
                               std::span<const SecretString> secrets) {
  const bool whole_body = config.format == ResponseConfig::Format::text;
  if (!whole_body && config.header.empty()) return parse_token_response(response.body.reveal(), config, now, secrets);

  FetchedToken token;
  if (whole_body) {
    token.value = checked_token(without_blanks(response.body.reveal()), "token (the whole body)");
  } else {
    std::vector<SecretString> hidden(secrets.begin(), secrets.end());
    // An error in the body comes first: it explains why the header is missing.
    if (uses_body(config)) {
      const WipingJson json = parse_json_object(response.body.reveal());
      if (declared_error(json, config, hidden)) return read_answer(json, config, now, hidden, {});
    }
    const std::string_view value = header_value(response, config.header);
    const std::size_t blank = value.find(' ');
    token.type = blank <= max_type_size ? std::string(value.substr(0, blank)) : "";
    const std::string_view text = token.type.empty() ? value : value.substr(blank + 1);
    token.value = checked_token(text, "token (header " + config.header + ")");
  }
  token.issued_at = now;
  if (!uses_body(config)) {
    token.expires_at = now + config.default_lifetime.value_or(Milliseconds{0});
    return token;
  }
  FetchedToken rest = read_answer(parse_json_object(response.body.reveal()), config, now, secrets, token.value);
  if (rest.type.empty()) rest.type = token.type;
  return rest;
}

std::optional<SourceError::Kind> ruled_kind(std::string_view body, const ResponseConfig& config) {
  if (config.error_rules == ErrorRules{}) return std::nullopt;
  try {
    return ruled_kind(parse_json_object(body), config);
  } catch (const SourceError&) {
    return std::nullopt;
  }
}

std::optional<std::string> declared_error(std::string_view body, const ResponseConfig& config,
                                          std::span<const SecretString> secrets) {
  try {
    return declared_error(parse_json_object(body), config, secrets);
  } catch (const SourceError&) {
    return std::nullopt;
  }
}

std::optional<std::string> provider_error(std::string_view body, const ResponseConfig& config,
                                          std::span<const SecretString> secrets) {
  try {
    const WipingJson json = parse_json_object(body);
    if (auto error = declared_error(json, config, secrets)) return error;
    const WipingJson* message = field(json, config.error_message);
    if (message == nullptr) return std::nullopt;
    return config.error_message + " \"" + excerpt(scalar_text(*message), secrets) + "\"";
  } catch (const SourceError&) {
    return std::nullopt;
  }
}

}  // namespace jeton::agent
