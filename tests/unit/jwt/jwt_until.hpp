// A JWT that ends at this time. Its signature is none.
#pragma once

#include <string>

#include "agent/base/time.hpp"
#include "agent/jwt/base64url.hpp"

namespace jeton::test {

inline std::string jwt_until(agent::WallTime time) {
  return agent::base64url_encode(R"({"alg":"RS256"})") + "." +
         agent::base64url_encode(R"({"exp":)" + std::to_string(agent::to_unix_ms(time) / 1000) + "}") + ".c2ln";
}

}  // namespace jeton::test
