// The strict opener: trusts a segment only if no user but its owner can have written it or put it there.
//
//   directory             may be reached over symbolic links (the caller chose it); not writable for group or others;
//                         owned by root or by the owner of `segments`
//   directory/segments    a directory, not a link; not writable for group or others
//   directory/segments/N  a regular file, not a link; same owner as `segments`; not writable for group or others (with
//                         an ACL the group bits show its mask, so that covers named users and groups); of exactly the
//                         size it declares; magic, version, geometry and name as they must be
// Only regular files are opened; no descriptor is left open. The choice of the directory is here, too.
#pragma once

#include <jeton/jeton.h>

#include "libclient/src/mapping.hpp"

namespace jeton::client {

[[nodiscard]] jeton_status open_mapping(const char* directory, const char* name, Mapping** mapping) noexcept;

// Unmaps and frees.
void destroy(Mapping* mapping) noexcept;

// Whether the file of that name is another one than `mapping` (false also if it cannot be examined).
[[nodiscard]] bool is_replaced(const char* directory, const char* name, const Mapping& mapping) noexcept;

// The directory that the options name, else $JETON_DIR, else /run/jeton.
[[nodiscard]] const char* chosen_directory(const jeton_options& options) noexcept;

// The same, made absolute, so that a later chdir changes nothing; to be freed. nullptr with errno if that fails.
[[nodiscard]] char* absolute_directory(const char* directory) noexcept;

}  // namespace jeton::client
