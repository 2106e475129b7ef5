// tokens.NAME.source of type http.
#include <algorithm>

#include "agent/config/json_schema.hpp"
#include "agent/config/sources/request_schema.hpp"
#include "agent/config/sources/response_schema.hpp"
#include "agent/config/sources/source_schema.hpp"

namespace jeton::agent {

namespace {

// What is sent, of a source or of its revocation.
void read_request(ObjectReader& section, Reading& reading, bool allow_http, bool may_delete,
                  HttpRequestConfig& config) {
  const ValueReader url = section.required("url");
  const ValueReader method = section.at("method");
  const auto chosen = may_delete ? method.choice<std::string>({{"GET", "GET"}, {"POST", "POST"}, {"DELETE", "DELETE"}})
                                 : method.choice<std::string>({{"GET", "GET"}, {"POST", "POST"}});
  config.query = read_fields(section.at("query"));
  config.headers = read_headers(section.at("headers"), reading);
  const ValueReader form = section.at("form");
  config.form = read_fields(form);
  const ValueReader json = section.at("json");
  config.json = read_json_template(json, reading);

  if (form.present() && json.present()) json.error(form.path() + " and " + json.path() + " exclude each other");
  const bool has_body = form.present() || json.present();
  if (has_body && chosen && chosen != "POST") {
    method.error("method " + *chosen + " has no body; use POST, or query instead of the body");
  }
  config.method = chosen.value_or(has_body ? "POST" : "GET");
  assign(config.url, read_url(url, allow_http));
}

bool has_revoked(const SecretTemplate& text) { return text.has(SecretTemplate::Part::Kind::revoked); }

bool has_revoked(const std::map<std::string, SecretTemplate>& fields) {
  return std::any_of(fields.begin(), fields.end(), [](const auto& field) { return has_revoked(field.second); });
}

bool has_revoked(const JsonTemplate& json) {
  if (const auto* text = std::get_if<SecretTemplate>(&json.value())) return has_revoked(*text);
  if (const auto* array = std::get_if<JsonTemplate::Array>(&json.value())) {
    return std::any_of(array->begin(), array->end(), [](const JsonTemplate& item) { return has_revoked(item); });
  }
  const auto* object = std::get_if<JsonTemplate::Object>(&json.value());
  return object != nullptr &&
         std::any_of(object->begin(), object->end(), [](const auto& member) { return has_revoked(member.second); });
}

std::optional<HttpRequestConfig> read_revocation(const ValueReader& value, Reading& reading, bool allow_http) {
  ObjectReader section = value.object();
  HttpRequestConfig config;
  read_request(section, reading, allow_http, true, config);
  section.finish();
  if (!section.present()) return std::nullopt;
  const bool names_token = has_revoked(config.url) || has_revoked(config.query) || has_revoked(config.headers) ||
                           has_revoked(config.form) || (config.json && has_revoked(*config.json));
  if (!names_token && !reading.problems.has_errors()) {
    value.error(value.path() + " does not say which token; write ${revoked} where the request has it");
  }
  return config;
}

}  // namespace

HttpSourceConfig read_http_source(ObjectReader& source, Reading& reading) {
  HttpSourceConfig config;
  config.egress = read_egress(source, reading);
  read_request(source, reading, config.egress.allow_http, false, config);
  const ValueReader response = source.at("response");
  config.response = read_http_response(response.object());
  if (config.response.refresh_token != ResponseConfig{}.refresh_token)
    response.error(response.path() + ".refresh_token is for sources of type oauth2; take it out");
  config.revocation = read_revocation(source.at("revocation"), reading, config.egress.allow_http);
  return config;
}

}  // namespace jeton::agent
