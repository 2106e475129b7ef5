// Users and groups of this host by their names. Reads the system's databases at every call; any thread.
#pragma once

#include <optional>
#include <string>

namespace jeton::agent {

// The id; a name of digits only that is no name of this host is a number. Nothing if there is none.
[[nodiscard]] std::optional<unsigned> find_user(const std::string& name);
[[nodiscard]] std::optional<unsigned> find_group(const std::string& name);

}  // namespace jeton::agent
