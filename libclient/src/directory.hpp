// The runtime directory of the agent to use.
#pragma once

#include <jeton/jeton.h>

namespace jeton::client {

// The directory that the options name, else $JETON_DIR, else /run/jeton.
[[nodiscard]] const char* chosen_directory(const jeton_options& options) noexcept;

// The same, made absolute, so that a later chdir changes nothing; to be freed. nullptr with errno if that fails.
[[nodiscard]] char* absolute_directory(const char* directory) noexcept;

}  // namespace jeton::client
