// How a request is passed to libcurl.
#include <string_view>

#include "agent/base/ascii.hpp"
#include "agent/http/curl_option.hpp"
#include "agent/http/transfer.hpp"
#include "agent/http/transfer_sockets.hpp"
#include "agent/http/url.hpp"

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

}  // namespace

void Transfer::set_up() {
  CURL* const h = easy_.get();
  set_option(h, CURLOPT_PRIVATE, this);
  set_option(h, CURLOPT_ERRORBUFFER, error_text_.data());
  const SecretString url = null_terminated(request_.url.reveal());
  set_option(h, CURLOPT_URL, url.reveal().data());
  set_option(h, CURLOPT_NOSIGNAL, 1L);
  set_option(h, CURLOPT_FOLLOWLOCATION, 0L);  // redirects are followed by hand: follow_redirect()
#if LIBCURL_VERSION_NUM >= 0x075500
  set_option(h, CURLOPT_PROTOCOLS_STR, where_.tls ? "https" : "http,https");
#else
  set_option(h, CURLOPT_PROTOCOLS, where_.tls ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
  set_option(h, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set_up_route();
  set_up_tls();
  // Fetches are minutes apart: a kept connection would only keep its buffers.
  set_option(h, CURLOPT_FORBID_REUSE, 1L);
  set_option(h, CURLOPT_FRESH_CONNECT, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  set_option(h, CURLOPT_QUICK_EXIT, 1L);  // a cancelled transfer does not wait for the resolver
#endif
  set_option(h, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set_option(h, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
  set_option(h, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.max_body));
  set_option(h, CURLOPT_USERAGENT, request_.route.user_agent.empty() ? user_agent : request_.route.user_agent.c_str());
  set_up_callbacks();
  set_up_headers();
  set_up_method();
}

void Transfer::set_up_callbacks() {
  CURL* const h = easy_.get();
  using Callback = std::size_t (*)(char*, std::size_t, std::size_t, void*);
  const Callback body = [](char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->on_body(data, size);
  };
  const Callback header = [](char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->on_header({data, size});
  };
  set_option(h, CURLOPT_WRITEFUNCTION, body);
  set_option(h, CURLOPT_WRITEDATA, this);
  set_option(h, CURLOPT_HEADERFUNCTION, header);
  set_option(h, CURLOPT_HEADERDATA, this);

  using Open = curl_socket_t (*)(void*, curlsocktype, curl_sockaddr*);
  const Open open_socket = [](void* self, curlsocktype, curl_sockaddr* to) {
    return static_cast<Transfer*>(self)->sockets_.open(to->family, to->socktype, to->protocol);
  };
  using Close = int (*)(void*, curl_socket_t);
  const Close close_socket = [](void* self, curl_socket_t fd) {
    return static_cast<Transfer*>(self)->sockets_.close(fd);
  };
  set_option(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  set_option(h, CURLOPT_OPENSOCKETDATA, this);
  set_option(h, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  set_option(h, CURLOPT_CLOSESOCKETDATA, this);
}

void Transfer::set_up_route() {
  CURL* const h = easy_.get();
  const HttpRoute& route = request_.route;
  if (route.proxy_use == ProxyUse::given) {
    const SecretString proxy = null_terminated(route.proxy.reveal());
    set_option(h, CURLOPT_PROXY, proxy.reveal().data());
  } else if (route.proxy_use == ProxyUse::none || where_.loopback()) {
    // A proxy of the environment must not see requests to this host.
    set_option(h, CURLOPT_PROXY, "");
  }
  if (route.no_proxy) {
    std::string hosts;
    for (const std::string& host : *route.no_proxy) hosts += (hosts.empty() ? "" : ",") + host;
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
    append_to(addresses_, bracketed(entry.host) + ":" + port + ":" + bracketed(entry.address) + ":" + port);
  }
  if (addresses_) set_option(h, CURLOPT_CONNECT_TO, addresses_.get());
}

void Transfer::set_up_tls() {
  CURL* const h = easy_.get();
  const ClientTlsConfig& tls = request_.route.tls;
  set_option(h, CURLOPT_SSL_VERIFYPEER, 1L);
  set_option(h, CURLOPT_SSL_VERIFYHOST, 2L);
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

void Transfer::set_up_headers() {
  bool accept_given = false;
  bool type_given = false;
  const auto append = [this](std::string_view line) { append_to(header_list_, line); };
  for (const HttpHeader& header : request_.headers) {
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
  set_option(easy_.get(), CURLOPT_HTTPHEADER, header_list_.get());
}

void Transfer::set_up_method() {
  CURL* const h = easy_.get();
  set_option(h, CURLOPT_CUSTOMREQUEST, custom_method(request_.method));
  if (request_.method == HttpRequest::Method::get) {
    set_option(h, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (request_.method == HttpRequest::Method::head) {
    set_option(h, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request_.method == HttpRequest::Method::del) return;
  // POSTFIELDS is not copied: the body is a member of request_, which outlives the handle.
  set_option(h, CURLOPT_POST, 1L);
  set_option(h, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  set_option(h, CURLOPT_POSTFIELDS, request_.body.empty() ? "" : request_.body.reveal().data());
}

}  // namespace jeton::agent
