// Where in a JSON answer things stand; of every source that gets one.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.hpp"

namespace jeton::agent {

// What values at ResponseConfig::error mean, as text; a value in neither list means what the HTTP status says, and in
// an answer with 2xx: try again.
struct ErrorRules {
  std::vector<std::string> permanent;
  std::vector<std::string> transient;
  bool operator==(const ErrorRules&) const = default;
};

// RFC 6901 pointers, empty: not used.
struct ResponseConfig {
  enum class Format {
    json,
    text  // the whole body is the token; no pointer is used
  };
  std::string token = "/access_token";
  std::string expires_in = "/expires_in";        // seconds from now; empty if expires_at is set
  std::string expires_at;                        // unix seconds, unix milliseconds or RFC 3339
  std::optional<Milliseconds> default_lifetime;  // if the answer has neither
  std::string type;
  std::string error;                              // present and neither 0, "", false nor null: the fetch failed
  std::string error_message;                      // shown with it
  std::map<std::string, std::string> attributes;  // name -> pointer
  std::size_t max_body = 1024 * 1024;             // bytes
  ErrorRules error_rules{};
  Format format = Format::json;
  std::string header{};                          // not empty: the token stands in this header, and `token` is not used
  std::string refresh_token = "/refresh_token";  // a new one, of a source that has one
  bool operator==(const ResponseConfig&) const = default;
};

}  // namespace jeton::agent
