// `response` of a source: where the answer has its values, and what its errors mean.
#pragma once

#include "agent/config/model/sources/response_config.hpp"
#include "agent/config/schema/object_reader.hpp"

namespace jeton::agent {

// Any JSON may contain this.
[[nodiscard]] ResponseConfig read_response(ObjectReader response);

// Adds the places that only an HTTP answer has: headers, cookies, other body formats. `defaults`: of the places.
[[nodiscard]] ResponseConfig read_http_response(ObjectReader response, const ResponseConfig& defaults = {});

}  // namespace jeton::agent
