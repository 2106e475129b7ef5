// The way to a file in a directory that other users may reach: no other user can have led it elsewhere.
//
// Every directory from the root on belongs to root, to the agent's user or to a user that is named, and nobody else can
// put another one in its place: it is not writable for others, and for a group only if that is root's or the agent's
// own; or it has the sticky bit, like /tmp. No link is followed, whoever made it. Blocking; any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

// Throws Error that names the directory and what to do. `owner`: may be trusted besides root and the agent's user.
[[nodiscard]] UniqueFd open_trusted_directory(const std::filesystem::path& directory,
                                              std::optional<uid_t> owner = std::nullopt);

[[nodiscard]] bool is_trusted(uid_t user, std::optional<uid_t> owner);

}  // namespace jeton::agent
