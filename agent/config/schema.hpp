// The schema: every key of the configuration, its type, range and default, in code that reads it (config/agent.yaml
// says the same to people; a test holds the two together).
#pragma once

#include <string>
#include <vector>

#include "agent/config/config.hpp"
#include "agent/config/node.hpp"
#include "agent/config/object_reader.hpp"

namespace jeton::agent {

// The whole document. Good for use only if `reading` has no error.
[[nodiscard]] Config read_config(const Node& document, Reading& reading);

// coordination; coordination_schema.cpp.
[[nodiscard]] CoordinationConfig read_coordination(ObjectReader coordination);

// One token; token_schema.cpp.
[[nodiscard]] TokenConfig read_token(const Member& member, const CoordinationConfig& coordination, Reading& reading);

// Users and groups: tokens.*.access, agent.admins; token_schema.cpp.
[[nodiscard]] AccessConfig read_access(ObjectReader access, Reading& reading);

// Every key there is, names of the user's as '*': "tokens.*.source.url". Sorted.
[[nodiscard]] std::vector<std::string> schema_paths();

}  // namespace jeton::agent
