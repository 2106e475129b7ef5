// Grants the users and groups of the configuration read access to a segment, by a POSIX access control list. The owner
// of a file may grant access to any user or group, so the agent need not be a member of the groups.
#pragma once

#include <string>

#include "agent/config/model/config.hpp"

namespace jeton::agent {

// The owner gets read and write access, each named user and group read access, other users none; earlier grants are
// removed. A name of digits is an id if this host has no such name. Throws Error naming the user or group that does not
// exist, and changes nothing then.
void set_readers(int fd, const std::string& path, const AccessConfig& access);

// Whether the file gives a right to read that `access` does not. Throws as set_readers() does.
[[nodiscard]] bool gives_more_than(int fd, const AccessConfig& access);

}  // namespace jeton::agent
