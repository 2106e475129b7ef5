// Checks everything that the configuration refers to: secrets, files, accounts, other tokens. Mistakes are found before
// the first use.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/config/schema/value_reader.hpp"
#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

// Whether a key of this name usually holds a secret ("client_secret", "Authorization", "api-key").
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
