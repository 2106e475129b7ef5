// A free-form part of the configuration as a JSON document (json_template.hpp).
#pragma once

#include <optional>

#include "agent/config/schema/value_reader.hpp"
#include "agent/config/secrets/json_template.hpp"

namespace jeton::agent {

// A map or a list; nothing if the key is not there.
[[nodiscard]] std::optional<JsonTemplate> read_json_template(const ValueReader& value, Reading& reading);

}  // namespace jeton::agent
