// Several files as one document.
#pragma once

#include "agent/config/yaml/node.hpp"
#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

// Adds the keys of `more` to `base`. Sections are joined, a token is a whole: a key that both set is an error that
// names both places. `version` may be in every file, with the same value.
void merge_documents(Node& base, Node more, Problems& problems);

}  // namespace jeton::agent
