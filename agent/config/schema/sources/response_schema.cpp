#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "agent/config/schema/sources/source_schema.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;
using In = AnswerPlace::In;

std::vector<int> read_statuses(const ValueReader& value) {
  std::vector<int> statuses;
  for (const std::string& text : value.list()) {
    int status = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
    if (error == std::errc{} && end == text.data() + text.size() && status >= 1 && status <= 599) {
      statuses.push_back(status);
    } else {
      value.error(value.path() + ": expected statuses of HTTP or of a command's exit, 1 to 599; got " +
                  in_quotes(text));
    }
  }
  return statuses;
}

template <typename Value>
bool lists(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// `error`: where the values are.
ErrorRules read_error_rules(ObjectReader section, const AnswerPlace& error) {
  ErrorRules rules;
  const ValueReader success = section.at("success");
  const ValueReader permanent = section.at("permanent");
  const ValueReader transient = section.at("transient");
  const ValueReader permanent_status = section.at("permanent_status");
  const ValueReader transient_status = section.at("transient_status");
  rules.success = success.list();
  rules.permanent = permanent.list();
  rules.transient = transient.list();
  rules.permanent_status = read_statuses(permanent_status);
  rules.transient_status = read_statuses(transient_status);
  for (const std::string& value : rules.transient) {
    if (lists(rules.permanent, value))
      transient.error(section.path() + ": " + in_quotes(value) + " is listed as permanent and as transient");
  }
  for (const std::string& value : rules.success) {
    if (lists(rules.permanent, value) || lists(rules.transient, value))
      success.error(section.path() + ": " + in_quotes(value) + " is listed as a success and as an error");
  }
  for (const int status : rules.transient_status) {
    if (lists(rules.permanent_status, status))
      transient_status.error(section.path() + ": the status " + std::to_string(status) +
                             " is listed as permanent and as transient");
  }
  for (const ValueReader* const value : {&success, &permanent, &transient}) {
    if (value->present() && error.empty())
      value->error(section.path() + " needs response.error, which says where the values are");
  }
  section.finish();
  return rules;
}

// Every user can see attributes and the type.
void check_public(const ValueReader& value, const AnswerPlace& place, const ResponseConfig& config) {
  if (place.empty() || (place != config.token && place != config.refresh_token)) return;
  value.error(value.path() + ": " + place.text() +
              " is a secret, and every user can see types and attributes; remove it");
}

void read_expiry(ObjectReader& response, AnswerParts parts, ResponseConfig& config) {
  const ValueReader expires_in = response.at("expires_in");
  const ValueReader expires_at = response.at("expires_at");
  assign(config.expires_in, read_place(expires_in, parts));
  assign(config.expires_at, read_place(expires_at, parts));
  if (expires_at.present() && !expires_in.present()) config.expires_in.clear();
  config.expiry_unit =
      response.at("expiry_unit").choice<Milliseconds>({{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}});
  config.default_lifetime = response.at("default_lifetime").duration(1s, 366 * 24h);
}

ResponseConfig read_places(ObjectReader& response, AnswerParts parts, const ResponseConfig& defaults) {
  ResponseConfig config = defaults;
  assign(config.token, read_place(response.at("token"), parts));
  const ValueReader refresh_token = response.at("refresh_token");
  assign(config.refresh_token, read_place(refresh_token, parts));
  read_expiry(response, parts, config);
  const ValueReader type = response.at("type");
  assign(config.type, read_place(type, parts));
  assign(config.error, read_place(response.at("error"), parts));
  config.error_rules = read_error_rules(response.at("error_rules").object(), config.error);
  assign(config.error_message, read_place(response.at("error_message"), parts));
  check_public(type, config.type, config);
  for (const Member& member : response.at("attributes").members()) {
    auto place = read_place(member.value, parts);
    if (!place) continue;
    check_public(member.value, *place, config);
    config.attributes.emplace(member.name, std::move(*place));
  }
  assign(config.max_body, response.at("max_body").size(1024, 16 * 1024 * 1024));
  return config;
}

// Without a body in JSON there is no place for a lifetime.
void need_lifetime(const ResponseConfig& config, const ValueReader& because) {
  if (config.default_lifetime || !config.expires_in.empty() || !config.expires_at.empty()) return;
  because.error("response.default_lifetime is missing: with " + because.path() +
                " nothing in the answer says when the token expires");
}

// Another way to write `token: header NAME`.
void read_token_header(const ValueReader& header, const ValueReader& token, ResponseConfig& config) {
  assign(config.token, read_header_place(header));
  if (header.present() && token.present()) token.error("response.token and response.header exclude each other");
}

bool is_in_body(const AnswerPlace& place) { return !place.empty() && place.in == In::body; }

// A body that is the token itself has no values for a pointer.
void check_whole_body(const ObjectReader& response, ObjectReader& keys, const ResponseConfig& config) {
  const auto refuse = [&](const char* key) {
    const ValueReader value = keys.at(key);
    value.error(value.path() + " is not used: response.format is text");
  };
  if (!response.present()) return;
  for (const char* const key : {"token", "refresh_token"}) {
    if (keys.at(key).present()) refuse(key);
  }
  const std::array<std::pair<const char*, const AnswerPlace*>, 5> places{{{"expires_in", &config.expires_in},
                                                                          {"expires_at", &config.expires_at},
                                                                          {"type", &config.type},
                                                                          {"error", &config.error},
                                                                          {"error_message", &config.error_message}}};
  for (const auto& [key, place] : places) {
    if (keys.at(key).present() && is_in_body(*place)) refuse(key);
  }
  for (const auto& [name, place] : config.attributes) {
    if (is_in_body(place)) return refuse("attributes");
  }
}

}  // namespace

ResponseConfig read_response(ObjectReader response) {
  const ValueReader refresh_token = response.at("refresh_token");
  ResponseConfig config = read_places(response, AnswerParts::body, {});
  response.finish();
  if (refresh_token.present()) refresh_token.error(refresh_token.path() + " is for sources of type oauth2; remove it");
  return config;
}

ResponseConfig read_http_response(ObjectReader response, const ResponseConfig& defaults) {
  using Format = ResponseConfig::Format;
  ObjectReader keys = response;
  const ValueReader header = response.at("header");
  const ValueReader format = response.at("format");
  const ValueReader token = response.at("token");
  const bool has_expires_in = response.at("expires_in").present();
  ResponseConfig config = read_places(response, AnswerParts::http, defaults);
  response.finish();
  assign(config.format,
         format.choice<Format>({{"json", Format::json}, {"form", Format::form}, {"text", Format::text}}));
  read_token_header(header, token, config);
  if (config.format == Format::text) {
    if (header.present()) header.error("response.header and response.format: text exclude each other");
    check_whole_body(response, keys, config);
    config.token.clear();
    if (!has_expires_in) config.expires_in.clear();
    need_lifetime(config, format);
  } else if (config.token.in != In::body) {
    // A cookie may have its own end.
    if (!has_expires_in) config.expires_in.clear();
    if (config.token.in == In::header) need_lifetime(config, header.present() ? header : token);
  }
  return config;
}

}  // namespace jeton::agent
