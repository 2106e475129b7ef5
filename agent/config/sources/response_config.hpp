// Where in a JSON answer things stand; of every source that gets one.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "agent/base/time.hpp"

namespace jeton::agent {

// RFC 6901 pointers, empty: not used.
struct ResponseConfig {
  std::string token = "/access_token";
  std::string expires_in = "/expires_in";        // seconds from now; empty if expires_at is set
  std::string expires_at;                        // unix seconds, unix milliseconds or RFC 3339
  std::optional<Milliseconds> default_lifetime;  // if the answer has neither
  std::string type;
  std::string error;                              // present and neither 0, "", false nor null: the fetch failed
  std::string error_message;                      // shown with it
  std::map<std::string, std::string> attributes;  // name -> pointer
  std::size_t max_body = 1024 * 1024;             // bytes
  bool operator==(const ResponseConfig&) const = default;
};

}  // namespace jeton::agent
