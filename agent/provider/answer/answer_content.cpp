#include "agent/provider/answer/answer_content.hpp"

#include <algorithm>
#include <charconv>

#include "agent/base/ascii.hpp"
#include "agent/provider/answer/content_coding.hpp"
#include "agent/provider/wire_time.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

using Format = ResponseConfig::Format;

bool is_of_body(const AnswerPlace& place) { return !place.empty() && place.in == AnswerPlace::In::body; }

// Whether the body contains anything that is configured. A refresh token has a place by default, and does not count.
bool needs_body(const ResponseConfig& config) {
  return config.format == Format::text || is_of_body(config.token) || is_of_body(config.expires_in) ||
         is_of_body(config.expires_at) || is_of_body(config.type) || is_of_body(config.error) ||
         is_of_body(config.error_message) ||
         std::any_of(config.attributes.begin(), config.attributes.end(),
                     [](const auto& attribute) { return is_of_body(attribute.second); });
}

// A provider may answer with a form, whatever the request. One that sends the type of the request back with JSON
// does not: no form begins with a brace.
bool is_form(const AnswerContent& content, const ResponseConfig& config) {
  constexpr std::string_view form_type = "application/x-www-form-urlencoded";
  if (config.format == Format::form) return true;
  if (without_blanks(content.body.reveal()).starts_with('{')) return false;
  const SecretString* const type = find_header(content.headers, "Content-Type");
  return type != nullptr && equal_ignoring_case(type->reveal().substr(0, form_type.size()), form_type);
}

// An object, a list that the token's pointer leads into, or a text that is the token itself.
void check_root(const WipingJson& json, const ResponseConfig& config) {
  const std::string& pointer = config.token.name;
  const bool into_list = is_of_body(config.token) && pointer.size() > 1 && pointer[1] >= '0' && pointer[1] <= '9';
  const bool is_token = json.is_string() && config.token == ResponseConfig{}.token;
  if (json.is_object() || (json.is_array() && into_list) || is_token) return;
  refuse_answer(std::string("is a JSON ") + json.type_name() + ", not an object");
}

void read_body(AnswerContent& content, const ResponseConfig& config) {
  if (config.format == Format::text) return;
  try {
    WipingJson json =
        is_form(content, config) ? parse_form_body(content.body.reveal()) : parse_json_body(content.body.reveal());
    check_root(json, config);
    content.json = std::move(json);
  } catch (const SourceError& e) {
    if (needs_body(config)) content.unreadable = e;
  }
}

std::optional<WipingJson> at_pointer(const WipingJson& json, const std::string& pointer) {
  const WipingJson* value = find_by_pointer(json, pointer);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return *value;
}

WipingJson text_value(std::string_view text) { return WipingText(text.data(), text.size()); }

std::optional<Milliseconds> max_age_in(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range && text.starts_with('-')) return Milliseconds{0};
  if (error == std::errc::result_out_of_range) return to_ms(max_lifetime);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  const std::int64_t most = std::chrono::duration_cast<std::chrono::seconds>(max_lifetime).count();
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, most));
}

Cookie cookie_of(std::string_view value, std::string_view attributes) {
  if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
  std::optional<Milliseconds> max_age;
  std::optional<WallTime> expires;
  while (!attributes.empty()) {
    const std::string_view part = part_until(attributes, ';');
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = without_blanks(part.substr(0, equals), " \t");
    const std::string_view text =
        equals == part.size() ? std::string_view{} : without_blanks(part.substr(equals + 1), " \t");
    if (equal_ignoring_case(name, "Max-Age")) max_age = max_age_in(text);
    if (equal_ignoring_case(name, "Expires")) expires = parse_cookie_date(text);
  }
  return {value, max_age, max_age ? std::nullopt : expires};
}

}  // namespace

std::string scalar_text(const WipingJson& value) {
  if (value.is_string()) return std::string(text_in(value));
  if (value.is_structured()) return value.type_name();
  return std::string(json_text(value).reveal());
}

std::optional<Cookie> AnswerContent::cookie(const AnswerPlace& place) const {
  std::optional<Cookie> found;
  if (place.in != AnswerPlace::In::cookie) return found;
  for (const HttpHeader& header : headers) {
    if (!equal_ignoring_case(header.name, "Set-Cookie")) continue;
    std::string_view rest = header.value.reveal();
    const std::string_view pair = part_until(rest, ';');
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || without_blanks(pair.substr(0, equals), " \t") != place.name) continue;
    found = cookie_of(without_blanks(pair.substr(equals + 1), " \t"), rest);
  }
  return found;
}

std::optional<WipingJson> AnswerContent::find(const AnswerPlace& place) const {
  std::optional<WipingJson> value;
  if (place.empty()) return value;
  if (place.in == AnswerPlace::In::body) {
    value = at_pointer(json, place.name);
  } else if (place.in == AnswerPlace::In::cookie) {
    if (const auto found = cookie(place)) value = text_value(found->value);
  } else if (const SecretString* const header = find_header(headers, place.name)) {
    value = text_value(header->reveal());
  }
  if (!value || place.inner_json.empty()) return value;
  if (!value->is_string()) return std::nullopt;
  try {
    return at_pointer(parse_json_body(text_in(*value)), place.inner_json);
  } catch (const SourceError&) {
    return std::nullopt;
  }
}

AnswerContent content_of(const HttpResponse& response, const ResponseConfig& config, WallTime now) {
  AnswerContent content;
  content.headers = response.headers;
  content.received_at = now;
  try {
    content.body = decoded_body(response, config.max_body);
  } catch (const SourceError& e) {
    content.body = response.body;
    content.undecodable = e;
    if (needs_body(config)) content.unreadable = e;
    return content;
  }
  read_body(content, config);
  return content;
}

AnswerContent content_of(std::string_view text, const ResponseConfig& config, WallTime now) {
  AnswerContent content;
  content.body = SecretString(text);
  content.received_at = now;
  read_body(content, config);
  return content;
}

}  // namespace jeton::agent
