#include "agent/provider/answer/answer_content.hpp"

#include <algorithm>

#include "agent/base/ascii.hpp"
#include "agent/provider/answer/content_coding.hpp"
#include "agent/provider/answer/json_body.hpp"
#include "agent/provider/json_pointer.hpp"

namespace jeton::agent {
namespace {

using Format = ResponseConfig::Format;

bool is_of_body(const AnswerPlace& place) { return !place.empty() && place.in == AnswerPlace::In::body; }

// Whether the JSON of the body contains anything that is configured. A refresh token has a place by default, and does
// not count.
bool needs_body(const ResponseConfig& config) {
  return is_of_body(config.token) || is_of_body(config.expires_in) || is_of_body(config.expires_at) ||
         is_of_body(config.type) || is_of_body(config.error) || is_of_body(config.error_message) ||
         std::any_of(config.attributes.begin(), config.attributes.end(),
                     [](const auto& attribute) { return is_of_body(attribute.second); });
}

// A provider may answer with a form, whatever the request. One that sends the type of the request back with JSON
// does not: no form begins with a brace.
bool is_form(const AnswerContent& content, const ResponseConfig& config) {
  constexpr std::string_view form_type = "application/x-www-form-urlencoded";
  if (config.format == Format::form) return true;
  if (without_blanks(content.body.reveal()).starts_with('{')) return false;
  for (const HttpHeader& header : content.headers) {
    if (!equal_ignoring_case(header.name, "Content-Type")) continue;
    return equal_ignoring_case(header.value.reveal().substr(0, form_type.size()), form_type);
  }
  return false;
}

// An object, a list that the token's pointer leads into, or a text that is the token itself.
void check_root(const WipingJson& json, const ResponseConfig& config) {
  const std::string& pointer = config.token.name;
  const bool into_list = is_of_body(config.token) && pointer.size() > 1 && pointer[1] >= '0' && pointer[1] <= '9';
  const bool is_token = json.is_string() && config.token == ResponseConfig{}.token;
  if (json.is_object() || (json.is_array() && into_list) || is_token) return;
  throw SourceError(SourceError::Kind::transient,
                    std::string("the provider's answer is a JSON ") + json.type_name() + ", not an object");
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

}  // namespace

std::string_view text_in(const WipingJson& string) { return string.get_ref<const WipingJson::string_t&>(); }

std::string scalar_text(const WipingJson& value) {
  if (value.is_string()) return std::string(text_in(value));
  if (value.is_structured()) return value.type_name();
  return std::string(json_text(value).reveal());
}

std::optional<Cookie> AnswerContent::cookie(const AnswerPlace& place) const {
  return place.in == AnswerPlace::In::cookie ? find_cookie(headers, place.name, received_at) : std::nullopt;
}

std::optional<WipingJson> AnswerContent::find(const AnswerPlace& place) const {
  std::optional<WipingJson> value;
  if (place.empty()) return value;
  if (place.in == AnswerPlace::In::body) {
    value = at_pointer(json, place.name);
  } else if (place.in == AnswerPlace::In::cookie) {
    if (const auto found = cookie(place)) value = text_value(found->value);
  } else {
    const auto header = std::find_if(headers.begin(), headers.end(),
                                     [&](const HttpHeader& one) { return equal_ignoring_case(one.name, place.name); });
    if (header != headers.end()) value = text_value(header->value.reveal());
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
    content.unreadable = e;
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
