// URLs and form bodies made of parts that may be secret. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

using Parameters = std::vector<std::pair<std::string, SecretString>>;

[[nodiscard]] SecretString percent_encoded(std::string_view text);

// name=value&name=value, percent-encoded: a query string and the body of application/x-www-form-urlencoded.
[[nodiscard]] SecretString encode_parameters(const Parameters& parameters);

// The URL with the parameters after those of its own query. It has no fragment (agent/config/text/http_url.hpp).
[[nodiscard]] SecretString with_query(const SecretString& url, const Parameters& parameters);

}  // namespace jeton::agent
