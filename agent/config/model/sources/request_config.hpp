// The common sections of several types of source: the parts of a request, the places of the values in its answer, and
// its way out of the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/config/secrets/json_template.hpp"
#include "agent/config/secrets/secret_template.hpp"

namespace jeton::agent {

struct HttpUrl;

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

// One place in an answer.
struct AnswerPlace {
  enum class In { body, header, cookie };

  AnswerPlace() = default;
  // A pointer into the JSON of the body; implicit, because most places are one.
  AnswerPlace(const char* body_pointer) : name(body_pointer) {}
  AnswerPlace(std::string body_pointer) : name(std::move(body_pointer)) {}
  AnswerPlace(In where, std::string name_there) : in(where), name(std::move(name_there)) {}

  In in = In::body;
  std::string name{};        // RFC 6901 pointer, or the name of a header or cookie; empty: not looked for
  std::string inner_json{};  // the text there is JSON, and this points into it; empty: the text itself

  [[nodiscard]] bool empty() const { return name.empty(); }
  void clear() { *this = {}; }
  // The text of the configuration: "/data/token", "header X-Token", "cookie SID", "/data json /token".
  [[nodiscard]] std::string text() const {
    const char* const where = in == In::header ? "header " : in == In::cookie ? "cookie " : "";
    return where + name + (inner_json.empty() ? "" : " json " + inner_json);
  }
  bool operator==(const AnswerPlace&) const = default;
};

// The meaning of values at ResponseConfig::error, as text, and of statuses: of HTTP, or the exit status of a command.
// Without a rule, the status, the code of RFC 6749 and a pause that the provider asks for decide; an error in an answer
// with 2xx may pass.
struct ErrorRules {
  std::vector<std::string> permanent;
  std::vector<std::string> transient;
  std::vector<std::string> success{};  // no error; empty: 0, "", false and null are none
  std::vector<int> permanent_status{};
  std::vector<int> transient_status{};
  bool operator==(const ErrorRules&) const = default;
};

struct ResponseConfig {
  enum class Format {
    json,
    form,  // application/x-www-form-urlencoded: an object of texts
    text   // the whole body is the token; no pointer is used
  };
  AnswerPlace token = "/access_token";
  AnswerPlace refresh_token = "/refresh_token";  // a new one, of a grant that uses them
  AnswerPlace expires_in = "/expires_in";        // a lifetime from now; empty if only expires_at is set
  AnswerPlace expires_at;                        // unix time, RFC 3339 or an HTTP date
  std::optional<Milliseconds> expiry_unit;       // of numbers at either; nothing: see answer_expiry.hpp
  std::optional<Milliseconds> default_lifetime;  // if the answer names no end
  AnswerPlace type;
  AnswerPlace error;                              // present and no success: the fetch failed
  AnswerPlace error_message;                      // shown with it
  std::map<std::string, AnswerPlace> attributes;  // by name
  std::size_t max_body = 1024 * 1024;             // bytes
  ErrorRules error_rules{};
  Format format = Format::json;
  bool operator==(const ResponseConfig&) const = default;
};

// The agent's files as a TLS client. They are read at every connect, so that a renewed certificate is used by the next
// one.
struct ClientTlsConfig {
  std::filesystem::path ca_file;    // empty: the system's authorities
  std::filesystem::path cert_file;  // empty: no client certificate
  std::filesystem::path key_file;   // set if and only if cert_file is
  bool operator==(const ClientTlsConfig&) const = default;
};

enum class ProxyUse {
  environment,  // HTTPS_PROXY, https_proxy, http_proxy, ALL_PROXY, all_proxy, as curl reads them
  none,
  given
};

enum class IpVersion { any, v4, v6 };

enum class HttpVersion { v1_1, automatic, v2 };  // automatic: what ALPN gives; v2: also without TLS

// The address to connect to for `host:port` of a URL.
struct ResolveOverride {
  std::string host;  // as in the URL; IPv6 without brackets
  std::uint16_t port = 0;
  std::string address;  // IPv4 or IPv6, without brackets
  bool operator==(const ResolveOverride&) const = default;
};

// Time limits, proxy and TLS: keys beside `type` of every source that speaks HTTP.
struct EgressConfig {
  Milliseconds timeout{10'000};         // whole request
  Milliseconds connect_timeout{5'000};  // DNS, TCP and TLS
  bool allow_http = false;              // plain http:// that leaves this host
  int max_redirects = 0;                // 0: a redirect is an error
  ProxyUse proxy_use = ProxyUse::environment;
  SecretTemplate proxy;                              // set if and only if proxy_use is given
  std::optional<std::vector<std::string>> no_proxy;  // hosts without the proxy; unset: NO_PROXY of the environment
  ClientTlsConfig tls;
  IpVersion ip = IpVersion::any;
  HttpVersion http_version = HttpVersion::v1_1;  // one short call gains nothing from HTTP/2
  std::vector<ResolveOverride> resolve;
  std::string user_agent;  // empty: jeton/VERSION
  bool operator==(const EgressConfig&) const = default;
};

// How a request to `url` leaves this host in the clear: http:// to another host, or to one of loopback that
// source.resolve or source.proxy leads elsewhere. As words for a message, with the remedy beside https:// and
// allow_http if there is one; empty: it does not, or allow_http permits it.
[[nodiscard]] std::string way_in_the_clear(const HttpUrl& url, const EgressConfig& egress);

}  // namespace jeton::agent
