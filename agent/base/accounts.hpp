// Users and groups of this host by their names. Reads the system's databases at every call; any thread.
#pragma once

#include <optional>
#include <string>

namespace jeton::agent {

// The id of the name. A text of digits is an id if this host has no such name. Nothing if there is neither.
[[nodiscard]] std::optional<unsigned> find_user(const std::string& name);
[[nodiscard]] std::optional<unsigned> find_group(const std::string& name);

}  // namespace jeton::agent
