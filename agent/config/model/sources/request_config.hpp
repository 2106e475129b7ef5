// The parts of one request of a source: of type http, of its revocation, and some of them also of type oauth2.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/secrets/json_template.hpp"
#include "agent/config/secrets/secret_template.hpp"

namespace jeton::agent {

// A parameter may be given several times, with one value each.
using ParameterTemplates = std::map<std::string, std::vector<SecretTemplate>>;

// request.values.NAME: a text, or the result of a function of it.
struct RequestValue {
  enum class Function {
    none,
    md5,
    sha1,
    sha256,
    sha512,
    hmac_md5,
    hmac_sha1,
    hmac_sha256,
    hmac_sha512,
    rsa_sha256,  // PKCS #1 v1.5
    base64,
    base64_decode,  // to bytes
    percent_encode,
    xml_escape
  };
  enum class Form { hex, upper_hex, base64, base64url, bytes };

  std::string name;
  Function function = Function::none;
  SecretTemplate of;   // the text
  SecretTemplate key;  // of hmac_*: the secret; of rsa_sha256: the private key in PEM
  Form form = Form::hex;
  bool operator==(const RequestValue&) const = default;
};
[[nodiscard]] bool takes_key(RequestValue::Function function);
// Whether the function's result is bytes, which can be written in several forms; otherwise it is text.
[[nodiscard]] bool gives_bytes(RequestValue::Function function);

struct HttpRequestConfig {
  SecretTemplate url;
  std::string method = "GET";  // GET, DELETE, POST, PUT or PATCH; a body only with the last three
  ParameterTemplates query;
  std::map<std::string, SecretTemplate> headers;
  // The body, one of these at most:
  ParameterTemplates form;             // application/x-www-form-urlencoded
  std::optional<JsonTemplate> json;    // application/json
  std::optional<SecretTemplate> body;  // as it is; its Content-Type is among the headers
  std::vector<RequestValue> values;    // a text may refer to those before it
  bool operator==(const HttpRequestConfig&) const = default;
};

// Whether the text is made of ${request:PART}, also by way of `values`.
[[nodiscard]] bool uses_request_part(const SecretTemplate& text, std::string_view part,
                                     const std::vector<RequestValue>& values);
[[nodiscard]] bool uses_request_part(const std::vector<SecretTemplate>& texts, std::string_view part,
                                     const std::vector<RequestValue>& values);
[[nodiscard]] bool body_uses_request_part(const HttpRequestConfig& config, std::string_view part);

// All texts of a request, but not those of its values.
[[nodiscard]] std::vector<const SecretTemplate*> texts_of(const HttpRequestConfig& config);

}  // namespace jeton::agent
