// Explains to the operator why there is no answer.
#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <system_error>

#include "agent/base/environment.hpp"
#include "agent/config/text/http_url.hpp"
#include "agent/http/curl_option.hpp"
#include "agent/http/transfer.hpp"
#include "agent/http/transfer_sockets.hpp"

namespace jeton::agent {
namespace {

using Reason = HttpError::Reason;

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

}  // namespace

std::string no_answer_within(const std::string& display, Milliseconds timeout) {
  return display + " gave no complete answer within " + seconds_text(timeout) + " (source.timeout)";
}

std::string Transfer::by_proxy() const {
  const HttpRoute& route = request_.route;
  if (route.proxy_use == ProxyUse::given) {
    return " through the proxy " + parse_proxy_url(route.proxy.reveal()).display() + " (source.proxy)";
  }
  const bool used = route.proxy_use == ProxyUse::environment && !where_.loopback();
  const char* const variable = used ? environment_proxy(where_.tls) : nullptr;
  return variable == nullptr ? "" : std::string(" through the proxy of $") + variable + " (unless NO_PROXY has it)";
}

// True: it was the proxy's fault, and outcome() says so.
bool Transfer::explain_proxy(CURLcode code) {
  const std::string way = by_proxy();
  if (way.empty()) return false;
  long answered = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &answered);
  const std::string at = where_.host + ":" + std::to_string(where_.port);
  if (answered >= 300) {
    fail(Reason::proxy, "cannot reach " + at + way + ": the proxy answered " + std::to_string(answered) +
                            (answered == 407   ? "; check the user and password in the URL of the proxy"
                             : answered == 403 ? "; the proxy does not allow this host to connect there"
                                               : "; can the proxy reach the provider?"));
  } else if (code == CURLE_PROXY) {
    fail(Reason::proxy,
         "cannot reach " + at + way + ": the proxy refused; check its user and password, and the hosts that it allows");
  } else if (code == CURLE_COULDNT_RESOLVE_PROXY) {
    fail(Reason::resolve,
         "cannot reach " + at + way + ": the name of the proxy cannot be resolved; check its URL and DNS");
  } else {
    return false;
  }
  return true;
}

// The words of libcurl are used for TLS only; elsewhere they could quote the URL.
void Transfer::explain(CURLcode code) {
  const std::string at = where_.host + ":" + std::to_string(where_.port) + by_proxy();
  double connected = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_CONNECT_TIME, &connected);
  const bool too_large =
      (outcome_.failure && outcome_.failure->reason == Reason::too_large) || code == CURLE_FILESIZE_EXCEEDED;
  long status = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  outcome_.response.status = static_cast<int>(status);
  if (too_large) {
    return fail(Reason::too_large, request_.display + " answered with more than " + std::to_string(request_.max_body) +
                                       " bytes; is the URL right? (response.max_body)");
  }
  if (explain_proxy(code)) return;
  // TLS 1.3 informs a client that its certificate is missing or not wanted only after the handshake.
  if (code == CURLE_RECV_ERROR && std::string_view(error_text_.data()).find("alert") != std::string_view::npos) {
    return fail(Reason::tls, "no TLS connection to " + at + ": " + error_text_.data() +
                                 "; does the provider want a client certificate, or another one? (source.tls)");
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return fail(Reason::resolve,
                  "the name " + where_.host + " cannot be resolved; check the URL of the source and DNS");
    case CURLE_COULDNT_CONNECT: {
      long error = 0;
      ::curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &error);
      const std::string why = error == 0 ? "" : ": " + std::generic_category().message(static_cast<int>(error));
      return fail(Reason::connect,
                  "cannot connect to " + at + why + "; is the provider up and the URL of the source right?");
    }
    case CURLE_OPERATION_TIMEDOUT:
      if (connected == 0) {
        return fail(Reason::timeout, "no connection to " + at + " within " +
                                         seconds_text(std::min(request_.connect_timeout, request_.timeout)) +
                                         "; check network and firewall (source.connect_timeout)");
      }
      return fail(Reason::timeout, no_answer_within(request_.display, request_.timeout));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
      return fail(Reason::tls, "no trusted TLS connection to " + at + ": " + error_text_.data() +
                                   "; check the provider's certificate and source.tls");
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      // A server that closes at once may take the alert that says why with it.
      return fail(
          Reason::broken,
          request_.display + ": the connection ended before the answer was complete" +
              (where_.tls && header_bytes_ == 0 ? "; does the provider want a client certificate? (source.tls)" : ""));
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      // The URL was checked before, so "unsupported" means an answer that does not begin like HTTP.
      return fail(Reason::broken, request_.display + " answered, but not with HTTP/1.1 or HTTP/2; is it a web server?");
    case CURLE_WRITE_ERROR:
      if (header_bytes_ > max_header_bytes || header_lines_ > max_header_lines) {
        return fail(Reason::too_large, request_.display + " sent more than 64 KiB, or " +
                                           std::to_string(max_header_lines) + " lines, of headers");
      }
      return fail(Reason::broken, request_.display + ": the answer could not be stored");
    case CURLE_OUT_OF_MEMORY:
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
      // By this code libcurl also means a line that is longer than the 100 KiB it keeps. More than that has come then.
      if (code != CURLE_OUT_OF_MEMORY || sockets_.received() > max_header_bytes) {
        return fail(Reason::too_large, request_.display + " sent a header line that is too long");
      }
      return fail(Reason::broken, request_.display + ": this host is out of RAM");
    case CURLE_URL_MALFORMAT:
      return fail(Reason::request, request_.display + ": only http and https URLs can be fetched");
    default:
      return fail(Reason::broken, request_.display + ": " + ::curl_easy_strerror(code));
  }
}

}  // namespace jeton::agent
