// An answer of a provider to a request that was sent in the same moment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/provider/answer/token_answer.hpp"

namespace jeton::agent {

using Headers = std::vector<HttpHeader>;

inline constexpr WallTime asked = from_unix_ms(1'795'000'000'000);  // 2026-11-18T11:06:40Z

inline HttpHeader header(const char* name, std::string_view value) { return {name, SecretString(value)}; }

inline FetchedToken read_answer(const std::string& body, const ResponseConfig& config, Headers headers = {}) {
  const HttpResponse response{200, {}, SecretString(body), std::move(headers)};
  return parse_http_answer(response, config, "https://api.example.com/token", asked, asked);
}

}  // namespace jeton::agent
