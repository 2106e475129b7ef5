// Checks of the secrets before the first of them is used.
#pragma once

#include <string_view>
#include <vector>

#include "agent/config/schema/value_reader.hpp"

namespace jeton::agent {

// Does a key of this name hold a secret by all experience ("client_secret", "Authorization", "api-key")?
[[nodiscard]] bool sounds_secret(std::string_view key);

// Reads every reference now. Reports an error for each secret that cannot be read or does not suit its use, and a
// warning for each file that other users can read.
void check_secrets(const std::vector<SecretReference>& references, Problems& problems);

// Each file must be there and readable.
void check_files(const std::vector<FileReference>& references, Problems& problems);

}  // namespace jeton::agent
