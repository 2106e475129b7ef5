// What the configuration names and does not hold itself: secrets, files, accounts, other tokens. What can be said about
// them before the first of them is used.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/config/schema/value_reader.hpp"
#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

// Does a key of this name hold a secret by all experience ("client_secret", "Authorization", "api-key")?
[[nodiscard]] bool sounds_secret(std::string_view key);

// Reads every reference now. Reports an error for each secret that cannot be read or does not suit its use, and a
// warning for each file that other users can read.
void check_secrets(const std::vector<SecretReference>& references, Problems& problems);

// Each file must be there and readable.
void check_files(const std::vector<FileReference>& references, Problems& problems);

// Each user and group must exist, or the agent could not grant what the configuration says.
void check_accounts(const std::vector<AccountReference>& references, Problems& problems);

// Chains: tokens whose source uses another token by ${token:NAME}. Each name must be a token of this configuration, and
// no chain may lead back to its start: it would wait for itself. Also fills in TokenConfig::uses.
void check_chains(const std::vector<SecretReference>& references, std::map<std::string, TokenConfig>& tokens,
                  Problems& problems);

}  // namespace jeton::agent
