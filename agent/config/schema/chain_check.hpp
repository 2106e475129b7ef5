// Chains: tokens whose source uses another token by ${token:NAME}. Each name must be a token of this configuration, and
// no chain may lead back to its start: it would wait for itself.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/config/schema/value_reader.hpp"
#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

// Also fills in TokenConfig::uses.
void check_chains(const std::vector<SecretReference>& references, std::map<std::string, TokenConfig>& tokens,
                  Problems& problems);

}  // namespace jeton::agent
