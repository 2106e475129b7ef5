// Passes a request to an easy handle of libcurl.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <string>

#include "agent/config/text/http_url.hpp"
#include "agent/http/http.hpp"

namespace jeton::agent {

// The limit for all headers of one answer, its interim answers (1xx) and trailers included.
inline constexpr std::size_t max_header_bytes = 64 * 1024;
inline constexpr std::size_t max_header_lines = 500;

// curl_easy_setopt fails only for an option that this libcurl lacks or for memory; both become a failed request.
template <typename Value>
void set_option(CURL* handle, CURLoption option, Value value) {
  const CURLcode code = ::curl_easy_setopt(handle, option, value);
  if (code != CURLE_OK)
    throw HttpError(HttpError::Reason::request, std::string("libcurl: ") + ::curl_easy_strerror(code));
}

// Lists that the handle refers to.
struct CurlLists {
  struct Deleter {
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
  };
  std::unique_ptr<curl_slist, Deleter> headers;
  std::unique_ptr<curl_slist, Deleter> addresses;  // for CURLOPT_CONNECT_TO
};

// All options but the callbacks. `where`: the URL of the request. Request and lists outlive the transfer. Throws Error:
// the request cannot be sent.
void set_up_request(CURL* handle, const HttpRequest& request, const HttpUrl& where, CurlLists& lists);
// The method and the body, which is not copied.
void set_up_method(CURL* handle, const HttpRequest& request);

}  // namespace jeton::agent
