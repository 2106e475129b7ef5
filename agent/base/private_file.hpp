// Small files with secrets, for the agent only: mode 0600, in directories of mode 0700, replaced as a whole, so that a
// reader sees the old or the new content, never half of it. Blocking; any thread. All throw Error.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// Creates the directory if it is missing (its parent exists). Refuses a file, and a directory of another user.
void make_private_directory(const std::filesystem::path& directory);

// Nothing if it is missing. Not more than `limit` bytes and a few, so that the caller's parser refuses a longer one.
[[nodiscard]] std::optional<SecretString> read_private_file(const std::filesystem::path& file, std::size_t limit);

enum class Durability {
  process,  // survives this process
  disk,     // survives a power failure: synced
};
void replace_private_file(const std::filesystem::path& file, const SecretString& text, Durability durability);

}  // namespace jeton::agent
