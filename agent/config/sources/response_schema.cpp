#include "agent/config/sources/response_schema.hpp"

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
  assign(config.error, read_pointer(response.at("error")));
  const ValueReader error_message = response.at("error_message");
  assign(config.error_message, read_pointer(error_message));
  for (const Member& member : response.at("attributes").members()) {
    if (auto pointer = read_pointer(member.value)) config.attributes.emplace(member.name, std::move(*pointer));
  }
  assign(config.max_body, response.at("max_body").size(1024, 16 * 1024 * 1024));
  response.finish();
  return config;
}

}  // namespace jeton::agent
