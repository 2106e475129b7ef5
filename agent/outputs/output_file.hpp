// The file of an output. Its readers see the old content or the new one, never half of it, whenever the agent dies:
// a new file is written beside it, with its owner, group and mode, synced, and moved into its place.
//
// The way to it is checked at each call, because other users may reach the directories: none of them can have led it
// elsewhere. Every directory from the root on belongs to root, to the agent's user or to a user that is named, and no
// other user can put another directory in its place: it is not writable for others, and for a group only if that is
// root's or the agent's own; or it has the sticky bit, like /tmp. The sticky bit is not enough for the directory of the
// output itself: while there is no file, another user could make it. No link is followed. Another kind of file, or a
// file of another user, in the place of the output is refused.
//
// Blocking; any thread. All throw Error that names the path and says what to do; then the file is as before.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "agent/base/secret.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/config/model/config.hpp"

namespace jeton::agent {

// Set before the file is changed, so that a hook that is owed outlives the agent (hook.hpp). Empty: there is no hook.
using HookMark = std::filesystem::path;

// False: the file has this content, mode, owner and group already, and nothing was done.
[[nodiscard]] bool write_output(const OutputConfig& output, const SecretString& text, const HookMark& mark);

// False: there was no file.
[[nodiscard]] bool remove_output(const OutputConfig& output, const HookMark& mark);

// `owner`: may be trusted besides root and the agent's user.
[[nodiscard]] UniqueFd open_trusted_directory(const std::filesystem::path& directory,
                                              std::optional<uid_t> owner = std::nullopt);

[[nodiscard]] bool is_trusted(uid_t user, std::optional<uid_t> owner);

}  // namespace jeton::agent
