// tokens.NAME.source of type http.
#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "agent/base/error.hpp"
#include "agent/config/http_url.hpp"
#include "agent/config/json_schema.hpp"
#include "agent/config/schema.hpp"
#include "agent/config/secret_check.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;

constexpr Milliseconds day = 24h;

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

// A token of RFC 9110 section 5.6.2.
bool is_header_name(const std::string& name) {
  return name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
         });
}

void warn_of_literal_secrets_in_query(const ValueReader& value, const SecretTemplate& url) {
  for (const SecretTemplate::Part& part : url.parts()) {
    if (part.kind != SecretTemplate::Part::Kind::literal) continue;
    for (std::size_t at = part.text.find_first_of("?&"); at != std::string::npos; at = part.text.find('&', at + 1)) {
      const std::string pair = part.text.substr(at + 1, part.text.find('&', at + 1) - at - 1);
      const std::size_t equals = pair.find('=');
      if (equals != std::string::npos && equals + 1 < pair.size() && sounds_secret(pair.substr(0, equals))) {
        value.warning(value.path() + " holds a literal secret (" + in_quotes(pair.substr(0, equals)) +
                      "); move it to source.query as ${file:PATH} or ${credential:NAME}");
      }
    }
  }
}

void check_url(const ValueReader& value, const SecretTemplate& url, bool allow_http) {
  SecretString resolved;
  try {
    resolved = url.resolve();
  } catch (const Error&) {
    return;  // check_secrets() says so
  }
  try {
    const HttpUrl parts = parse_http_url(resolved.reveal());
    if (!parts.tls && !parts.loopback() && !allow_http) {
      value.error(value.path() +
                  ": http:// sends the token and its secrets in the clear; use https://, or set "
                  "source.allow_http: true");
    }
  } catch (const Error& e) {
    value.error(value.path() + ": " + e.what());
  }
}

std::map<std::string, SecretTemplate> read_fields(const ValueReader& fields, SecretUse use = SecretUse::any) {
  std::map<std::string, SecretTemplate> result;
  for (const Member& member : fields.members()) {
    if (auto value = member.value.secret(use)) result.emplace(member.name, std::move(*value));
  }
  return result;
}

std::map<std::string, SecretTemplate> read_headers(const ValueReader& headers, Reading& reading) {
  constexpr std::array<std::string_view, 4> reserved{"content-length", "transfer-encoding", "connection", "host"};
  auto result = read_fields(headers, SecretUse::header);
  if (reading.paths != nullptr) return result;
  std::set<std::string> seen;
  for (const Member& member : headers.members()) {
    const std::string name = lower_case(member.name);
    const auto refuse = [&](const std::string& why) {
      reading.problems.error(member.place, "header " + in_quotes(member.name) + why);
    };
    if (!is_header_name(name)) refuse(" is not the name of a header");
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end()) refuse(" is set by the agent itself");
    if (!seen.insert(name).second) refuse(" stands twice; case does not matter in the name of a header");
  }
  return result;
}

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

HttpResponseConfig read_response(ObjectReader response) {
  HttpResponseConfig config;
  assign(config.token, read_pointer(response.at("token")));
  const ValueReader expires_in = response.at("expires_in");
  const ValueReader expires_at = response.at("expires_at");
  assign(config.expires_in, read_pointer(expires_in));
  assign(config.expires_at, read_pointer(expires_at));
  if (expires_at.present()) {
    if (expires_in.present()) expires_at.error("response.expires_in and response.expires_at exclude each other");
    config.expires_in.clear();
  }
  config.default_lifetime = response.at("default_lifetime").duration(1s, 366 * day);
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

void read_request(ObjectReader& source, HttpSourceConfig& config, Reading& reading) {
  const ValueReader url = source.required("url");
  const auto url_template = url.secret();
  const ValueReader method = source.at("method");
  const auto chosen = method.choice<std::string>({{"GET", "GET"}, {"POST", "POST"}});
  config.query = read_fields(source.at("query"));
  config.headers = read_headers(source.at("headers"), reading);
  const ValueReader form = source.at("form");
  config.form = read_fields(form);
  const ValueReader json = source.at("json");
  config.json = read_json_template(json, reading);

  if (form.present() && json.present()) json.error("source.form and source.json exclude each other");
  const bool has_body = form.present() || json.present();
  if (has_body && chosen == "GET")
    method.error("method GET has no body; use POST, or source.query instead of the body");
  config.method = chosen.value_or(has_body ? "POST" : "GET");

  assign(config.allow_http, source.at("allow_http").boolean());
  if (url_template && url_template->empty()) url.error(url.path() + " is empty");
  if (url_template && !url_template->empty()) {
    config.url = *url_template;
    check_url(url, config.url, config.allow_http);
    warn_of_literal_secrets_in_query(url, config.url);
  }
}

}  // namespace

HttpSourceConfig read_http_source(ObjectReader& source, Reading& reading) {
  HttpSourceConfig config;
  read_request(source, config, reading);
  config.response = read_response(source.at("response").object());

  const ValueReader timeout = source.at("timeout");
  const ValueReader connect_timeout = source.at("connect_timeout");
  assign(config.timeout, timeout.duration(10ms, 5min));
  if (const auto explicit_timeout = connect_timeout.duration(10ms, 5min)) {
    config.connect_timeout = *explicit_timeout;
    if (*explicit_timeout > config.timeout)
      connect_timeout.error("source.connect_timeout is longer than source.timeout");
  }
  config.connect_timeout = std::min(config.connect_timeout, config.timeout);
  if (const auto redirects = source.at("max_redirects").integer(0, 10)) {
    config.max_redirects = static_cast<int>(*redirects);
  }
  return config;
}

}  // namespace jeton::agent
