// `response` of a source: where in the answer things stand.
#pragma once

#include "agent/config/object_reader.hpp"
#include "agent/config/sources/response_config.hpp"

namespace jeton::agent {

// What may stand in any JSON.
[[nodiscard]] ResponseConfig read_response(ObjectReader response);

// And what only an answer by HTTP has: the token in a header, or as the whole body.
[[nodiscard]] ResponseConfig read_http_response(ObjectReader response);

}  // namespace jeton::agent
