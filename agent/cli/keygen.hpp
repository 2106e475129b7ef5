// jeton-agent keygen: a new key for coordination.seal.
#pragma once

#include <filesystem>

namespace jeton::agent {

// Writes the key to a new file of mode 0600, or to standard output if the path is empty. An existing file is an error:
// it may be the only copy of a key. Returns the exit status.
int run_keygen(const std::filesystem::path& file);

}  // namespace jeton::agent
