// tokens.NAME.source of type http: its request, the values that are made for it, and its revocation.
#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/ascii.hpp"
#include "agent/base/error.hpp"
#include "agent/config/schema/schema.hpp"
#include "agent/config/schema/sources/source_schema.hpp"

namespace jeton::agent {

namespace {

using Function = RequestValue::Function;
using Form = RequestValue::Form;

constexpr std::array<std::pair<std::string_view, Function>, 13> value_functions{
    {{"md5", Function::md5},
     {"sha1", Function::sha1},
     {"sha256", Function::sha256},
     {"sha512", Function::sha512},
     {"hmac_md5", Function::hmac_md5},
     {"hmac_sha1", Function::hmac_sha1},
     {"hmac_sha256", Function::hmac_sha256},
     {"hmac_sha512", Function::hmac_sha512},
     {"rsa_sha256", Function::rsa_sha256},
     {"base64", Function::base64},
     {"base64_decode", Function::base64_decode},
     {"percent_encode", Function::percent_encode},
     {"xml_escape", Function::xml_escape}}};

RequestValue read_call(const ValueReader& value) {
  RequestValue config;
  ObjectReader call = value.object();
  const auto function = call.required("function").choice<Function>(value_functions);
  assign(config.function, function);
  assign(config.of, call.required("of").secret());
  const ValueReader key = call.at("key");
  config.key = read_key(key, key.filled_secret());
  const ValueReader form = call.at("as");
  if (config.function == Function::rsa_sha256) config.form = Form::base64;
  assign(config.form, form.choice<Form>({{"hex", Form::hex},
                                         {"HEX", Form::upper_hex},
                                         {"base64", Form::base64},
                                         {"base64url", Form::base64url},
                                         {"bytes", Form::bytes}}));
  call.finish();
  if (!value.present() || !function) return config;
  if (takes_key(*function) && !key.present()) {
    value.refuse(": this function needs a key, such as ${file:/etc/jeton/api.secret}");
  }
  if (!takes_key(*function) && key.present()) key.refuse(" is not used by this function; remove it");
  if (!gives_bytes(*function) && form.present()) form.refuse(" is not used by this function; remove it");
  if (*function == Function::rsa_sha256 && !config.key.empty()) check_signing_key(key, config.key, JwtAlgorithm::rs256);
  return config;
}

// Whether ${value:NAME} can be written.
bool can_be_referred_to(const std::string& name) {
  try {
    const SecretTemplate reference = SecretTemplate::parse("${value:" + name + "}");
    return reference.parts().size() == 1 && reference.parts().front().text == name;
  } catch (const Error&) {
    return false;
  }
}

// Named texts and results of functions. They are added to `references` one by one: one may refer to those above it.
std::vector<RequestValue> read_values(const ValueReader& section, RequestReferences& references, Reading& reading) {
  std::vector<RequestValue> values;
  for (const Member& member : section.members()) {
    // While the schema is listed a value is both a text and a call.
    const bool listed = reading.paths != nullptr;
    const bool call = listed || member.value.is_map();
    RequestValue value;
    if (call) value = read_call(member.value);
    if (listed || !call) assign(value.of, member.value.secret());
    value.name = member.name;
    if (listed) continue;
    if (!can_be_referred_to(member.name)) {
      reading.problems.error(
          member.place, section.path() + "." + member.name + ": the name of a value has letters, digits, _ and - only");
    }
    references.values.insert(member.name);
    values.push_back(std::move(value));
  }
  return values;
}

// A request of a source, or of its revocation, while it is read.
struct RequestSection {
  ObjectReader& keys;
  const ValueReader& where;  // the section itself
  Reading& reading;
  const EgressConfig& egress;
};

// Reads the body, and returns whether there is one.
bool read_body(const RequestSection& section, HttpRequestConfig& config) {
  const ValueReader form = section.keys.at("form");
  const ValueReader json = section.keys.at("json");
  const ValueReader body = section.keys.at("body");
  config.form = read_parameters(form);
  config.json = read_json_template(json, section.reading);
  config.body = body.secret();
  const auto exclude = [](const ValueReader& a, const ValueReader& b) {
    if (a.present() && b.present()) b.error(a.path() + " and " + b.path() + " exclude each other");
  };
  exclude(form, json);
  exclude(form, body);
  exclude(json, body);
  const bool has_type = std::any_of(config.headers.begin(), config.headers.end(), [](const auto& header) {
    return equal_ignoring_case(header.first, "content-type");
  });
  if (config.body && !has_type) {
    body.refuse(" needs its type in the headers, such as Content-Type: application/xml");
  }
  return form.present() || json.present() || body.present();
}

// Nothing can be made of itself.
void check_circles(const RequestSection& section, const HttpRequestConfig& config) {
  const auto refuse = [&](const std::string& what, const std::string& why) {
    section.where.refuse("." + what + " cannot be made of " + why);
  };
  for (const char* part : {"method", "host", "path", "query", "body"}) {
    if (uses_request_part(config.url, part, config.values)) refuse("url", "${request:" + std::string(part) + "}");
  }
  const bool is_form = !config.form.empty();
  if (!is_form && body_uses_request_part(config, "body")) refuse(config.json ? "json" : "body", "${request:body}");
  const bool query_of_body = std::any_of(config.query.begin(), config.query.end(), [&](const auto& parameter) {
    return uses_request_part(parameter.second, "body", config.values) &&
           !uses_request_part(parameter.second, "query", config.values);
  });
  if (query_of_body && body_uses_request_part(config, "query")) {
    refuse("query", "${request:body} while the body is made of ${request:query}");
  }
}

void read_request(const RequestSection& section, RequestReferences references, HttpRequestConfig& config) {
  const RequestPlace place(section.reading, references);
  const ValueReader url = section.keys.required("url");
  const ValueReader method = section.keys.at("method");
  const auto chosen = method.choice<std::string>(
      {{"GET", "GET"}, {"POST", "POST"}, {"PUT", "PUT"}, {"PATCH", "PATCH"}, {"DELETE", "DELETE"}});
  config.values = read_values(section.keys.at("values"), references, section.reading);
  config.query = read_parameters(section.keys.at("query"));
  config.headers = read_headers(section.keys.at("headers"), section.reading);
  const bool has_body = read_body(section, config);
  if (has_body && (chosen == "GET" || chosen == "DELETE")) {
    method.error("method " + *chosen + " has no body; use POST, or query instead of the body");
  }
  config.method = chosen.value_or(has_body ? "POST" : "GET");
  assign(config.url, read_url(url, section.egress));
  check_circles(section, config);
}

// Whether a reference of this kind is used in the request or in one of its values.
bool refers_to(const HttpRequestConfig& config, SecretPart::Kind kind) {
  const auto texts = texts_of(config);
  return std::any_of(texts.begin(), texts.end(), [kind](const SecretTemplate* text) { return text->has(kind); }) ||
         std::any_of(config.values.begin(), config.values.end(),
                     [kind](const RequestValue& value) { return value.of.has(kind) || value.key.has(kind); });
}

std::optional<HttpRequestConfig> read_revocation(const ValueReader& value, Reading& reading,
                                                 const EgressConfig& egress) {
  ObjectReader section = value.object();
  HttpRequestConfig config;
  RequestReferences references;
  references.revoked = true;
  read_request({section, value, reading, egress}, references, config);
  section.finish();
  if (!section.present()) return std::nullopt;
  if (!refers_to(config, SecretPart::Kind::revoked) && !reading.problems.has_errors()) {
    value.refuse(" does not name the token; write ${revoked} where the request has it");
  }
  return config;
}

}  // namespace

HttpSourceConfig read_http_source(ObjectReader& source, Reading& reading) {
  HttpSourceConfig config;
  config.egress = read_egress(source);
  const ValueReader refresh_token = source.at("refresh_token");
  assign(config.refresh_token, refresh_token.filled_secret());
  const ValueReader whole(reading, nullptr, source.path(), source.place());
  RequestReferences references;
  references.refresh_token = refresh_token.present();
  read_request({source, whole, reading, config.egress}, references, config);
  if (refresh_token.present() && !refers_to(config, SecretPart::Kind::refresh_token) &&
      !reading.problems.has_errors()) {
    refresh_token.refuse(" is not used; write ${refresh_token} where the request has it");
    config.refresh_token = {};
  }
  const ValueReader response = source.at("response");
  config.response = read_http_response(response.object());
  if (!refresh_token.present() && config.response.refresh_token != ResponseConfig{}.refresh_token) {
    response.refuse(".refresh_token needs " + refresh_token.path() + ", which is missing");
  }
  config.revocation = read_revocation(source.at("revocation"), reading, config.egress);
  return config;
}

}  // namespace jeton::agent
