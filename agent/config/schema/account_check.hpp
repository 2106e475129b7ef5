// Users and groups that the configuration names: each must exist, or the agent could not grant what it says.
#pragma once

#include <vector>

#include "agent/config/schema/value_reader.hpp"
#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

void check_accounts(const std::vector<AccountReference>& references, Problems& problems);

}  // namespace jeton::agent
