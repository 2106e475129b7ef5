#include "agent/http/transfer_failure.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <system_error>

#include "agent/base/environment.hpp"
#include "agent/http/transfer_setup.hpp"

namespace jeton::agent {
namespace {

using Reason = HttpError::Reason;
using Failure = HttpOutcome::Failure;

std::string seconds_text(Milliseconds ms) {
  return ms.count() % 1000 == 0 ? std::to_string(ms.count() / 1000) + "s" : std::to_string(ms.count()) + "ms";
}

// Out of the environment, as libcurl finds it: http_proxy in lower case only, because a CGI gives its caller the other.
const char* environment_proxy(bool tls) {
  constexpr std::array<const char*, 4> names{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  constexpr std::array<const char*, 3> plain_names{"http_proxy", "all_proxy", "ALL_PROXY"};
  const std::span<const char* const> looked_for = tls ? std::span<const char* const>(names) : plain_names;
  for (const char* const name : looked_for) {
    const char* const value = environment_variable(name);
    if (value != nullptr && *value != '\0') return name;
  }
  return nullptr;
}

// " through the proxy http://proxy.example.com:3128", if there is one.
std::string by_proxy(const HttpRoute& route, const HttpUrl& where) {
  if (route.proxy_use == ProxyUse::given) {
    return " through the proxy " + parse_proxy_url(route.proxy.reveal()).display() + " (source.proxy)";
  }
  const bool used = route.proxy_use == ProxyUse::environment && !where.loopback();
  const char* const variable = used ? environment_proxy(where.tls) : nullptr;
  return variable == nullptr ? "" : std::string(" through the proxy of $") + variable + " (unless NO_PROXY has it)";
}

// Nothing: it was not the proxy's fault. `at`: the server, and the way to it.
std::optional<Failure> proxy_failure(CURLcode code, CURL* handle, const std::string& at) {
  long answered = 0;
  ::curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &answered);
  if (answered >= 300) {
    return Failure{Reason::proxy, "cannot reach " + at + ": the proxy answered " + std::to_string(answered) +
                                      (answered == 407   ? "; check the user and password in the URL of the proxy"
                                       : answered == 403 ? "; the proxy does not allow this host to connect there"
                                                         : "; can the proxy reach the provider?")};
  }
  if (code == CURLE_PROXY) {
    return Failure{Reason::proxy, "cannot reach " + at +
                                      ": the proxy refused; check its user and password, and the hosts that it allows"};
  }
  if (code == CURLE_COULDNT_RESOLVE_PROXY) {
    return Failure{Reason::resolve,
                   "cannot reach " + at + ": the name of the proxy cannot be resolved; check its URL and DNS"};
  }
  return std::nullopt;
}

}  // namespace

std::string no_answer_within(const std::string& display, Milliseconds timeout) {
  return display + " gave no complete answer within " + seconds_text(timeout) + " (source.timeout)";
}

// The words of libcurl are used for TLS only; elsewhere they could quote the URL.
HttpOutcome::Failure failure_of_transfer(CURLcode code, const FailedTransfer& transfer) {
  const HttpRequest& request = transfer.request;
  const HttpUrl& where = transfer.where;
  const std::string way = by_proxy(request.route, where);
  const std::string at = where.host + ":" + std::to_string(where.port) + way;
  if (transfer.body_too_large || code == CURLE_FILESIZE_EXCEEDED) {
    return {Reason::too_large, request.display + " answered with more than " + std::to_string(request.max_body) +
                                   " bytes; is the URL right? (response.max_body)"};
  }
  if (!way.empty()) {
    if (auto failure = proxy_failure(code, transfer.handle, at)) return *failure;
  }
  // TLS 1.3 informs a client that its certificate is missing or not wanted only after the handshake.
  if (code == CURLE_RECV_ERROR && std::string_view(transfer.error_text).find("alert") != std::string_view::npos) {
    return {Reason::tls, "no TLS connection to " + at + ": " + transfer.error_text +
                             "; does the provider want a client certificate, or another one? (source.tls)"};
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Reason::resolve, "the name " + where.host + " cannot be resolved; check the URL of the source and DNS"};
    case CURLE_COULDNT_CONNECT: {
      long error = 0;
      ::curl_easy_getinfo(transfer.handle, CURLINFO_OS_ERRNO, &error);
      const std::string why = error == 0 ? "" : ": " + std::generic_category().message(static_cast<int>(error));
      return {Reason::connect,
              "cannot connect to " + at + why + "; is the provider up and the URL of the source right?"};
    }
    case CURLE_OPERATION_TIMEDOUT: {
      double connected = 0;
      ::curl_easy_getinfo(transfer.handle, CURLINFO_CONNECT_TIME, &connected);
      if (connected != 0) return {Reason::timeout, no_answer_within(request.display, request.timeout)};
      return {Reason::timeout, "no connection to " + at + " within " +
                                   seconds_text(std::min(request.connect_timeout, request.timeout)) +
                                   "; check network and firewall (source.connect_timeout)"};
    }
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
      return {Reason::tls, "no trusted TLS connection to " + at + ": " + transfer.error_text +
                               "; check the provider's certificate and source.tls"};
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: {
      // A server that closes at once may take the alert that says why with it.
      const bool silent = where.tls && transfer.header_bytes == 0;
      return {Reason::broken, request.display + ": the connection ended before the answer was complete" +
                                  (silent ? "; does the provider want a client certificate? (source.tls)" : "")};
    }
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      // The URL was checked before, so "unsupported" means an answer that does not begin like HTTP.
      return {Reason::broken, request.display + " answered, but not with HTTP/1.1 or HTTP/2; is it a web server?"};
    case CURLE_WRITE_ERROR:
      if (transfer.header_bytes > max_header_bytes || transfer.header_lines > max_header_lines) {
        return {Reason::too_large, request.display + " sent more than 64 KiB, or " + std::to_string(max_header_lines) +
                                       " lines, of headers"};
      }
      return {Reason::broken, request.display + ": the answer could not be stored"};
    case CURLE_OUT_OF_MEMORY:
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
      // By this code libcurl also means a line that is longer than the 100 KiB it keeps. More than that has come then.
      if (code != CURLE_OUT_OF_MEMORY || transfer.received > max_header_bytes) {
        return {Reason::too_large, request.display + " sent a header line that is too long"};
      }
      return {Reason::broken, request.display + ": this host is out of RAM"};
    case CURLE_URL_MALFORMAT:
      return {Reason::request, request.display + ": only http and https URLs can be fetched"};
    default:
      return {Reason::broken, request.display + ": " + ::curl_easy_strerror(code)};
  }
}

}  // namespace jeton::agent
