// The places where a reference may be used: most kinds have a meaning in some places only.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "agent/config/secrets/secret_template.hpp"

namespace jeton::agent {

// The references that are permitted in the request that is being read.
struct RequestReferences {
  bool values_and_parts = true;  // ${value:...} and ${request:...}
  std::set<std::string> values{};
  bool refresh_token = false;
  bool revoked = false;
};

// Why one of the references in `text` has no meaning in its place; nothing if all have one. `request`: the request that
// `text` is a part of; null: it is elsewhere.
[[nodiscard]] std::optional<std::string> misplaced_reference(const SecretTemplate& text,
                                                             const RequestReferences* request);

}  // namespace jeton::agent
