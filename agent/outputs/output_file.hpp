// The file of an output. Its readers see the old content or the new one, never half of it, whenever the agent dies:
// a new file is written beside it, with its owner, group and mode, synced, and moved into its place.
//
// The way to it is checked at each call, because other users may reach the directories (trusted_directory.hpp). Another
// kind of file, or a file of another user, in the place of the output is refused.
//
// Blocking; any thread. All throw Error that names the path and says what to do; then the file is as before.
#pragma once

#include <filesystem>

#include "agent/base/secret.hpp"
#include "agent/config/model/config.hpp"

namespace jeton::agent {

// Set before the file is changed, so that a hook that is owed outlives the agent (hook.hpp). Empty: there is no hook.
using HookMark = std::filesystem::path;

// False: the file has this content, mode, owner and group already, and nothing was done.
[[nodiscard]] bool write_output(const OutputConfig& output, const SecretString& text, const HookMark& mark);

// False: there was no file.
[[nodiscard]] bool remove_output(const OutputConfig& output, const HookMark& mark);

}  // namespace jeton::agent
