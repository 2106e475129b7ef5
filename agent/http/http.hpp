// HTTP for sources: one request, one answer, and the transport. Plain values; the real transport is HttpClient
// (http_client.hpp), a simulation has its own.
//
// Everything that may hold a secret (the URL with its query, header values, bodies) is a SecretString.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/ascii.hpp"
#include "agent/base/error.hpp"
#include "agent/base/secret.hpp"
#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/sources/request_config.hpp"

namespace jeton::agent {

struct HttpHeader {
  std::string name;
  SecretString value;
};

// The value of the first header of this name, in any case; null: there is none.
[[nodiscard]] inline const SecretString* find_header(const std::vector<HttpHeader>& headers, std::string_view name) {
  for (const HttpHeader& header : headers) {
    if (equal_ignoring_case(header.name, name)) return &header.value;
  }
  return nullptr;
}

// The way of a request to the provider: EgressConfig with its secrets filled in (agent/provider/request_builder.hpp).
struct HttpRoute {
  ProxyUse proxy_use = ProxyUse::environment;        // never of the environment to a loopback address
  SecretString proxy;                                // if given: its URL, with user and password
  std::optional<std::vector<std::string>> no_proxy;  // unset: NO_PROXY of the environment
  ClientTlsConfig tls;
  IpVersion ip = IpVersion::any;
  HttpVersion http_version = HttpVersion::v1_1;
  std::vector<ResolveOverride> resolve;
  std::string user_agent;  // empty: jeton/VERSION
};

struct HttpRequest {
  enum class Method { get, head, post, put, patch, del };
  Method method = Method::get;
  SecretString url;     // whole: with userinfo and query
  std::string display;  // how messages name it: "https://api.example.com/token"; no query, no secret
  std::vector<HttpHeader> headers;
  SecretString body;                    // of POST, PUT and PATCH
  Milliseconds connect_timeout{5'000};  // DNS, TCP and TLS
  Milliseconds timeout{10'000};         // everything, redirects included
  std::size_t max_body = 1024 * 1024;   // bytes; a longer answer ends the transfer at once
  int max_redirects = 0;                // 0: a redirect is returned as it is; otherwise followed on the same host only
  HttpRoute route;
  std::vector<SecretString> secrets{};  // must be hidden where a request is shown; in each form in which it is sent
  // The named values from which the request was made, for code that shows requests.
  std::vector<std::pair<std::string, SecretString>> made_of{};
};

// The name in the request line.
[[nodiscard]] constexpr const char* method_name(HttpRequest::Method method) {
  constexpr std::array<const char*, 6> names{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  return names[static_cast<std::size_t>(method)];
}

struct HttpResponse {
  int status = 0;
  std::string retry_after;  // the header unchanged; empty: none
  SecretString body;
  std::vector<HttpHeader> headers{};  // as they came; of the last answer, if there was a redirect
};

// There is no answer, or no usable one. The message says what failed and what to do; it never holds a secret.
class HttpError : public Error {
 public:
  enum class Reason {
    request,  // the request cannot be sent as it is (URL, header)
    resolve,  // DNS
    connect,
    proxy,  // it refused to connect us
    tls,
    timeout,
    broken,  // the connection ended in the middle, or the answer is not HTTP
    too_large,
    redirect,  // to a place that is not followed
  };
  HttpError(Reason reason, const std::string& message, HttpResponse received = {})
      : Error(message), reason_(reason), received_(std::move(received)) {}
  [[nodiscard]] Reason reason() const { return reason_; }
  // The part of the answer that had arrived when the transfer ended; status 0: nothing.
  [[nodiscard]] const HttpResponse& received() const { return received_; }

 private:
  Reason reason_;
  HttpResponse received_;
};

class HttpTransport {
 public:
  HttpTransport() = default;
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;
  virtual ~HttpTransport() = default;

  // Any number at the same time. Throws HttpError; on cancellation gives the transfer up and throws
  // system_error(operation_aborted).
  virtual Task<HttpResponse> perform(HttpRequest request) = 0;
};

}  // namespace jeton::agent
