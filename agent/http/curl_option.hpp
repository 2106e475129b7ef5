// Options of an easy handle of libcurl, and other code that the files of Transfer share.
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

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

}  // namespace jeton::agent
