// `response` of a source: where in the answer things stand.
#pragma once

#include "agent/config/object_reader.hpp"
#include "agent/config/sources/response_config.hpp"

namespace jeton::agent {

[[nodiscard]] ResponseConfig read_response(ObjectReader response);

}  // namespace jeton::agent
