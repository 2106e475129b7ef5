#include "agent/http/transfer_setup.hpp"

#include <algorithm>
#include <string_view>

#include "agent/base/ascii.hpp"

namespace jeton::agent {
namespace {

constexpr const char* user_agent = "jeton/" JETON_VERSION;

// `List`: a unique_ptr to a curl_slist, which may be empty.
template <typename List>
void append_to(List& list, std::string_view text) {
  curl_slist* const longer = ::curl_slist_append(list.get(), null_terminated(text).reveal().data());
  if (longer == nullptr) throw Error("libcurl has no memory for a request");
  static_cast<void>(list.release());
  list.reset(longer);
}

long curl_ip(IpVersion version) {
  return version == IpVersion::v4   ? CURL_IPRESOLVE_V4
         : version == IpVersion::v6 ? CURL_IPRESOLVE_V6
                                    : CURL_IPRESOLVE_WHATEVER;
}

long curl_http_version(HttpVersion version) {
  return version == HttpVersion::v1_1 ? CURL_HTTP_VERSION_1_1
         : version == HttpVersion::v2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                      : CURL_HTTP_VERSION_2TLS;
}

// Null: libcurl's own, for GET, HEAD and POST.
const char* custom_method(HttpRequest::Method method) {
  using Method = HttpRequest::Method;
  const bool libcurls_own = method == Method::get || method == Method::head || method == Method::post;
  return libcurls_own ? nullptr : method_name(method);
}

void set_up_route(CURL* h, const HttpRoute& route, const HttpUrl& where, CurlLists& lists) {
  if (route.proxy_use == ProxyUse::given) {
    const SecretString proxy = null_terminated(route.proxy.reveal());
    set_option(h, CURLOPT_PROXY, proxy.reveal().data());
  } else if (route.proxy_use == ProxyUse::none || where.loopback()) {
    // A proxy of the environment must not see requests to this host.
    set_option(h, CURLOPT_PROXY, "");
  }
  if (route.no_proxy) {
    std::string hosts;
    for (const std::string& host : *route.no_proxy) hosts += (hosts.empty() ? "" : ",") + host;
    // In a list with others it means nothing to libcurl.
    if (std::find(route.no_proxy->begin(), route.no_proxy->end(), "*") != route.no_proxy->end()) hosts = "*";
    set_option(h, CURLOPT_NOPROXY, hosts.c_str());
  }
  set_option(h, CURLOPT_IPRESOLVE, curl_ip(route.ip));
  set_option(h, CURLOPT_HTTP_VERSION, curl_http_version(route.http_version));
  // CURLOPT_RESOLVE would have no effect behind a proxy.
  for (const ResolveOverride& entry : route.resolve) {
    const auto bracketed = [](const std::string& host) {
      return host.find(':') == std::string::npos ? host : "[" + host + "]";
    };
    const std::string port = std::to_string(entry.port);
    append_to(lists.addresses, bracketed(entry.host) + ":" + port + ":" + bracketed(entry.address) + ":" + port);
  }
  if (lists.addresses) set_option(h, CURLOPT_CONNECT_TO, lists.addresses.get());
}

void set_up_tls(CURL* h, const ClientTlsConfig& tls) {
  set_option(h, CURLOPT_SSL_VERIFYPEER, 1L);
  set_option(h, CURLOPT_SSL_VERIFYHOST, 2L);
  // libcurl knows the files by their paths and does not notice that they were replaced: a resumed session would have
  // the certificate of the old one, and the authorities would be those of the first connection for a day.
  set_option(h, CURLOPT_SSL_SESSIONID_CACHE, 0L);
#if LIBCURL_VERSION_NUM >= 0x075700
  if (!tls.ca_file.empty()) set_option(h, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
  set_option(h, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!tls.ca_file.empty()) {
    set_option(h, CURLOPT_CAINFO, tls.ca_file.c_str());
    set_option(h, CURLOPT_CAPATH, nullptr);  // these authorities and no other
    set_option(h, CURLOPT_PROXY_CAINFO, tls.ca_file.c_str());
    set_option(h, CURLOPT_PROXY_CAPATH, nullptr);
  }
  if (!tls.cert_file.empty()) {
    set_option(h, CURLOPT_SSLCERT, tls.cert_file.c_str());
    set_option(h, CURLOPT_SSLKEY, tls.key_file.c_str());
  }
}

void set_up_headers(CURL* h, const HttpRequest& request, CurlLists& lists) {
  bool accept_given = false;
  bool type_given = false;
  const auto append = [&lists](std::string_view line) { append_to(lists.headers, line); };
  for (const HttpHeader& header : request.headers) {
    const std::string_view value = header.value.reveal();
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
      throw Error("the value of the header " + header.name + " holds a line break; check the secret it is made of");
    }
    type_given = type_given || equal_ignoring_case(header.name, "Content-Type");
    accept_given = accept_given || equal_ignoring_case(header.name, "Accept");
    // "Name;" makes libcurl send an empty header; "Name:" would remove it.
    SecretString line(header.name + (value.empty() ? ";" : ": "));
    line.append(value);
    append(line.reveal());
  }
  if (!accept_given) append("Accept: application/json");
  // libcurl would declare the body as a form, although the request names no type.
  if (!type_given) append("Content-Type:");
  append("Expect:");  // no wait for "100 Continue" before a body
  set_option(h, CURLOPT_HTTPHEADER, lists.headers.get());
}

}  // namespace

void set_up_request(CURL* h, const HttpRequest& request, const HttpUrl& where, CurlLists& lists) {
  const SecretString url = null_terminated(request.url.reveal());
  set_option(h, CURLOPT_URL, url.reveal().data());
  set_option(h, CURLOPT_PATH_AS_IS, 1L);  // a signature may be made over it
  set_option(h, CURLOPT_NOSIGNAL, 1L);
  set_option(h, CURLOPT_FOLLOWLOCATION, 0L);  // redirects are followed by hand: follow_redirect()
#if LIBCURL_VERSION_NUM >= 0x075500
  set_option(h, CURLOPT_PROTOCOLS_STR, where.tls ? "https" : "http,https");
#else
  set_option(h, CURLOPT_PROTOCOLS, where.tls ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
  set_option(h, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set_up_route(h, request.route, where, lists);
  set_up_tls(h, request.route.tls);
#if LIBCURL_VERSION_NUM < 0x075000
  // It would send a request again if a kept connection ends: transfer.cpp, begins_request().
  set_option(h, CURLOPT_FORBID_REUSE, 1L);
  set_option(h, CURLOPT_FRESH_CONNECT, 1L);
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
  set_option(h, CURLOPT_QUICK_EXIT, 1L);  // a cancelled transfer does not wait for the resolver
#endif
  set_option(h, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set_option(h, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set_option(h, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_body));
  set_option(h, CURLOPT_USERAGENT, request.route.user_agent.empty() ? user_agent : request.route.user_agent.c_str());
  set_up_headers(h, request, lists);
  set_up_method(h, request);
}

void set_up_method(CURL* h, const HttpRequest& request) {
  set_option(h, CURLOPT_CUSTOMREQUEST, custom_method(request.method));
  if (request.method == HttpRequest::Method::get) {
    set_option(h, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (request.method == HttpRequest::Method::head) {
    set_option(h, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request.method == HttpRequest::Method::del) return;
  // POSTFIELDS is not copied: the request outlives the transfer.
  set_option(h, CURLOPT_POST, 1L);
  set_option(h, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set_option(h, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.reveal().data());
}

}  // namespace jeton::agent
