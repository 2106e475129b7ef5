#include "agent/config/sources/response_schema.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;

// RFC 6901: "/a/b~1c"; '~' only as ~0 or ~1.
bool is_json_pointer(const std::string& text) {
  if (!text.starts_with('/')) return false;
  for (std::size_t at = text.find('~'); at != std::string::npos; at = text.find('~', at + 1)) {
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
  }
  return true;
}

std::optional<std::string> read_pointer(const ValueReader& value) {
  auto text = value.text();
  if (!text || is_json_pointer(*text)) return text;
  value.error(value.path() + ": expected a JSON pointer (RFC 6901) like /data/access_token; got " + in_quotes(*text));
  return std::nullopt;
}

ErrorRules read_error_rules(ObjectReader section, const ValueReader& error) {
  ErrorRules rules;
  const ValueReader transient = section.at("transient");
  rules.permanent = section.at("permanent").list();
  rules.transient = transient.list();
  for (const std::string& value : rules.transient) {
    if (std::find(rules.permanent.begin(), rules.permanent.end(), value) != rules.permanent.end()) {
      transient.error(section.path() + ": " + in_quotes(value) + " is listed as permanent and as transient");
    }
  }
  if (section.present() && !error.present()) {
    transient.error(section.path() + " needs response.error, which says where the values stand");
  }
  section.finish();
  return rules;
}

// Without a body in JSON there is nowhere a lifetime could stand.
void need_lifetime(const ResponseConfig& config, const ValueReader& because) {
  if (config.default_lifetime || !config.expires_in.empty() || !config.expires_at.empty()) return;
  because.error("response.default_lifetime is missing: with " + because.path() +
                " nothing in the answer says when the token expires");
}

}  // namespace

ResponseConfig read_response(ObjectReader response) {
  ResponseConfig config;
  assign(config.token, read_pointer(response.at("token")));
  const ValueReader expires_in = response.at("expires_in");
  const ValueReader expires_at = response.at("expires_at");
  assign(config.expires_in, read_pointer(expires_in));
  assign(config.expires_at, read_pointer(expires_at));
  if (expires_at.present()) {
    if (expires_in.present()) expires_at.error("response.expires_in and response.expires_at exclude each other");
    config.expires_in.clear();
  }
  config.default_lifetime = response.at("default_lifetime").duration(1s, 366 * 24h);
  assign(config.type, read_pointer(response.at("type")));
  const ValueReader error = response.at("error");
  assign(config.error, read_pointer(error));
  config.error_rules = read_error_rules(response.at("error_rules").object(), error);
  const ValueReader error_message = response.at("error_message");
  assign(config.error_message, read_pointer(error_message));
  for (const Member& member : response.at("attributes").members()) {
    if (auto pointer = read_pointer(member.value)) config.attributes.emplace(member.name, std::move(*pointer));
  }
  assign(config.max_body, response.at("max_body").size(1024, 16 * 1024 * 1024));
  response.finish();
  return config;
}

ResponseConfig read_http_response(ObjectReader response) {
  using Format = ResponseConfig::Format;
  const ValueReader header = response.at("header");
  const ValueReader format = response.at("format");
  const ValueReader token = response.at("token");
  const ValueReader refresh_token = response.at("refresh_token");
  const bool has_expires_in = response.at("expires_in").present();
  constexpr std::array pointers{"token", "expires_in",  "expires_at",    "type",
                                "error", "error_rules", "error_message", "attributes"};
  std::vector<ValueReader> unused;
  for (const char* const key : pointers) {
    if (response.at(key).present()) unused.push_back(response.at(key));
  }
  ResponseConfig config = read_response(response);
  assign(config.refresh_token, read_pointer(refresh_token));
  assign(config.header, header.text());
  assign(config.format, format.choice<Format>({{"json", Format::json}, {"text", Format::text}}));
  if (config.format == Format::text) {
    if (header.present()) header.error("response.header and response.format: text exclude each other");
    for (const ValueReader& value : unused) value.error(value.path() + " is not used: response.format is text");
    config.token.clear();
    config.expires_in.clear();
    need_lifetime(config, format);
  } else if (header.present()) {
    if (token.present()) token.error("response.token and response.header exclude each other");
    config.token.clear();
    if (!has_expires_in) config.expires_in.clear();
    need_lifetime(config, header);
  }
  return config;
}

}  // namespace jeton::agent
