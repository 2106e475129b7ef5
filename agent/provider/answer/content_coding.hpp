// Content codings (RFC 9110 section 8.4): an answer that a server compressed without being asked. Pure functions, any
// thread; their buffers are wiped.
#pragma once

#include <cstddef>

#include "agent/http/http.hpp"

namespace jeton::agent {

// The body as it was before it was coded: gzip and deflate, also one inside of the other, and gzip that no header
// names. Throws SourceError(transient): another coding, which it names, damaged bytes, or more than `max_body` bytes.
[[nodiscard]] SecretString decoded_body(const HttpResponse& response, std::size_t max_body);

}  // namespace jeton::agent
