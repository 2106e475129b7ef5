// The way to a file that the agent writes, or whose content it obeys. Other users may reach the directories: none of
// them can have led it elsewhere. Every directory from the root on belongs to root, to the agent's user or to a user
// that is named, and no other user can put another directory in its place: it is not writable for others, nor for a
// group other than root's and the agent's own, also not by an entry of its access list (acl(5)); or it has the sticky
// bit, like /tmp. No link is followed.
//
// Blocking; any thread. All throw Error that names the directory and says what to do.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

// `owner`: may be trusted besides root and the agent's user. `if_missing`: what to do if there is no such directory.
[[nodiscard]] UniqueFd open_trusted_directory(const std::filesystem::path& directory, std::optional<uid_t> owner,
                                              const char* if_missing);

// The sticky bit is not enough for a directory in which a file is made: while there is none, another user could make
// it. `fd`: of open_trusted_directory().
void refuse_writers(int fd, const std::string& path, std::optional<uid_t> owner);

[[nodiscard]] bool is_trusted(uid_t user, std::optional<uid_t> owner);

}  // namespace jeton::agent
