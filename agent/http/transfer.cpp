#include "agent/http/transfer.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "agent/http/curl_global.hpp"
#include "agent/http/url.hpp"

namespace jeton::agent {
namespace {

using Reason = HttpError::Reason;

constexpr std::size_t max_header_bytes = 64 * 1024;  // of all headers of one answer
constexpr const char* user_agent = "jeton/" JETON_VERSION;

// curl_easy_setopt fails only for an option that this libcurl lacks or for memory; both are told as a failed request.
template <typename Value>
void set(CURL* handle, CURLoption option, Value value) {
  const CURLcode code = ::curl_easy_setopt(handle, option, value);
  if (code != CURLE_OK) throw HttpError(Reason::request, std::string("libcurl: ") + ::curl_easy_strerror(code));
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string seconds_text(Milliseconds ms) {
  return ms.count() % 1000 == 0 ? std::to_string(ms.count() / 1000) + "s" : std::to_string(ms.count()) + "ms";
}

}  // namespace

Transfer::Transfer(HttpRequest request) : request_(std::move(request)) {}

bool Transfer::prepare() {
  try {
    initialise_curl();
    where_ = parse_http_url(request_.url.reveal());
    easy_.reset(::curl_easy_init());
    if (easy_ == nullptr) throw Error("libcurl has no memory for a request");
    set_up();
    return true;
  } catch (const Error& e) {
    fail(Reason::request, request_.display + ": " + e.what());
    return false;
  }
}

void Transfer::set_up() {
  CURL* const h = easy_.get();
  set(h, CURLOPT_PRIVATE, this);
  set(h, CURLOPT_ERRORBUFFER, error_text_.data());
  set(h, CURLOPT_URL, null_terminated(request_.url.reveal()).reveal().data());
  set(h, CURLOPT_NOSIGNAL, 1L);
  set(h, CURLOPT_FOLLOWLOCATION, 0L);  // redirects are followed by hand: follow_redirect()
#if LIBCURL_VERSION_NUM >= 0x075500
  set(h, CURLOPT_PROTOCOLS_STR, where_.tls ? "https" : "http,https");
#else
  set(h, CURLOPT_PROTOCOLS, where_.tls ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
  set(h, CURLOPT_SSL_VERIFYPEER, 1L);
  set(h, CURLOPT_SSL_VERIFYHOST, 2L);
  set(h, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(h, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  // A proxy of the environment must not see what is meant for this host.
  if (where_.loopback()) set(h, CURLOPT_PROXY, "");
  // Fetches are minutes apart: a kept connection would only keep its buffers.
  set(h, CURLOPT_FORBID_REUSE, 1L);
  set(h, CURLOPT_FRESH_CONNECT, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  set(h, CURLOPT_QUICK_EXIT, 1L);  // a cancelled transfer does not wait for the resolver
#endif
  set(h, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set(h, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
  set(h, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.max_body));
  set(h, CURLOPT_USERAGENT, user_agent);

  using Callback = std::size_t (*)(char*, std::size_t, std::size_t, void*);
  const Callback body = [](char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->on_body(data, size);
  };
  const Callback header = [](char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->on_header({data, size});
  };
  set(h, CURLOPT_WRITEFUNCTION, body);
  set(h, CURLOPT_WRITEDATA, this);
  set(h, CURLOPT_HEADERFUNCTION, header);
  set(h, CURLOPT_HEADERDATA, this);
  set_up_headers();
  set_up_method();
}

void Transfer::set_up_headers() {
  bool accept_given = false;
  const auto append = [this](std::string_view line) {
    curl_slist* longer = ::curl_slist_append(header_list_.get(), null_terminated(line).reveal().data());
    if (longer == nullptr) throw Error("libcurl has no memory for a header");
    static_cast<void>(header_list_.release());
    header_list_.reset(longer);
  };
  for (const HttpHeader& header : request_.headers) {
    const std::string_view value = header.value.reveal();
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
      throw Error("the value of the header " + header.name + " holds a line break; check the secret it is made of");
    }
    accept_given = accept_given || equal_ignoring_case(header.name, "Accept");
    // "Name;" is how libcurl is told to send an empty header; "Name:" would remove it.
    SecretString line(header.name + (value.empty() ? ";" : ": "));
    line.append(value);
    append(line.reveal());
  }
  if (!accept_given) append("Accept: application/json");
  append("Expect:");  // no wait for "100 Continue" before a body
  set(easy_.get(), CURLOPT_HTTPHEADER, header_list_.get());
}

void Transfer::set_up_method() {
  CURL* const h = easy_.get();
  if (request_.method == HttpRequest::Method::get) {
    set(h, CURLOPT_HTTPGET, 1L);
    return;
  }
  // POSTFIELDS is not copied: the body is a member of request_, which outlives the handle.
  set(h, CURLOPT_POST, 1L);
  set(h, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  set(h, CURLOPT_POSTFIELDS, request_.body.empty() ? "" : request_.body.reveal().data());
}

std::size_t Transfer::on_body(const char* data, std::size_t size) {
  if (size > request_.max_body - outcome_.response.body.size()) {
    fail(Reason::too_large, "");  // libcurl ends the transfer; explain() has the words
    return 0;
  }
  outcome_.response.body.append({data, size});
  return size;
}

std::size_t Transfer::on_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > max_header_bytes) return 0;
  if (line.starts_with("HTTP/")) outcome_.response.retry_after.clear();
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), "Retry-After")) {
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.remove_suffix(1);
    outcome_.response.retry_after = value.substr(0, 64);
  }
  return line.size();
}

bool Transfer::finished(CURLcode code) {
  if (code != CURLE_OK) {
    explain(code);
    return false;
  }
  long status = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  outcome_.response.status = static_cast<int>(status);
  if (!is_redirect(status) || request_.max_redirects == 0) return false;
  try {
    return follow_redirect();
  } catch (const Error& e) {
    fail(Reason::redirect, request_.display + " answered with a redirect that is not followed: " + e.what());
    return false;
  }
}

// Only to the same host and port, or from http to https on it: what a request carries is meant for nobody else.
bool Transfer::follow_redirect() {
  CURL* const h = easy_.get();
  const char* location = nullptr;
  ::curl_easy_getinfo(h, CURLINFO_REDIRECT_URL, &location);
  if (location == nullptr) throw Error("it has no Location");
  const std::string_view whole(location);
  const SecretString target(whole.substr(0, whole.find('#')));
  const HttpUrl to = parse_http_url(target.reveal());
  if (where_.tls && !to.tls) throw Error("it leads from https to http");
  const bool upgrade = !where_.tls && to.tls;
  if (!equal_ignoring_case(to.host, where_.host) || (to.port != where_.port && !upgrade)) {
    throw Error("it leads to another host, " + to.host + ":" + std::to_string(to.port) +
                "; if that is right, set source.url to it");
  }
  if (++redirects_ > request_.max_redirects) {
    throw Error("more than " + std::to_string(request_.max_redirects) + " (source.max_redirects)");
  }
  curl_off_t microseconds = 0;
  ::curl_easy_getinfo(h, CURLINFO_TOTAL_TIME_T, &microseconds);
  spent_ += Milliseconds{microseconds / 1000};
  if (spent_ >= request_.timeout) throw Error("no time was left (source.timeout)");

  // 307 and 308 keep the method; so do all of them for GET. For POST the others mean "GET the answer there" (RFC 9110
  // section 15.4).
  if (outcome_.response.status != 307 && outcome_.response.status != 308) {
    request_.method = HttpRequest::Method::get;
    set_up_method();
  }
  set(h, CURLOPT_URL, null_terminated(target.reveal()).reveal().data());
  set(h, CURLOPT_TIMEOUT_MS, static_cast<long>((request_.timeout - spent_).count()));
  where_ = to;
  outcome_.response = {};
  header_bytes_ = 0;
  return true;
}

// The words of libcurl are used for TLS only; elsewhere they could quote the URL.
void Transfer::explain(CURLcode code) {
  const std::string at = where_.host + ":" + std::to_string(where_.port);
  double connected = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_CONNECT_TIME, &connected);
  const bool too_large =
      (outcome_.failure && outcome_.failure->reason == Reason::too_large) || code == CURLE_FILESIZE_EXCEEDED;
  outcome_.response = {};
  if (too_large) {
    return fail(Reason::too_large, request_.display + " answered with more than " + std::to_string(request_.max_body) +
                                       " bytes; is the URL right? (response.max_body)");
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return fail(Reason::resolve, "the name " + where_.host + " cannot be resolved; check source.url and DNS");
    case CURLE_COULDNT_CONNECT: {
      long error = 0;
      ::curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &error);
      const std::string why = error == 0 ? "" : ": " + std::generic_category().message(static_cast<int>(error));
      return fail(Reason::connect, "cannot connect to " + at + why + "; is the provider up and source.url right?");
    }
    case CURLE_OPERATION_TIMEDOUT:
      if (connected == 0) {
        return fail(Reason::timeout, "no connection to " + at + " within " +
                                         seconds_text(std::min(request_.connect_timeout, request_.timeout)) +
                                         "; check network and firewall (source.connect_timeout)");
      }
      return fail(Reason::timeout, request_.display + " gave no complete answer within " +
                                       seconds_text(request_.timeout) + " (source.timeout)");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return fail(Reason::tls, "no trusted TLS connection to " + at + ": " + error_text_.data());
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return fail(Reason::broken, request_.display + ": the connection ended before the answer was complete");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      // The URL was looked at before: what is left of "unsupported" is an answer that does not begin like HTTP.
      return fail(Reason::broken,
                  request_.display + " answered something that is no HTTP/1.1 or HTTP/2; is it a web server?");
    case CURLE_WRITE_ERROR:
      if (header_bytes_ > max_header_bytes) {
        return fail(Reason::too_large, request_.display + " sent more than 64 KiB of headers");
      }
      return fail(Reason::broken, request_.display + ": the answer could not be kept");
    case CURLE_URL_MALFORMAT:
      return fail(Reason::request, request_.display + ": only http and https URLs can be fetched");
    default:
      return fail(Reason::broken, request_.display + ": " + ::curl_easy_strerror(code));
  }
}

}  // namespace jeton::agent
