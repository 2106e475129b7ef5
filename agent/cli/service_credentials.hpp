// The credentials of the service (LoadCredential= and SetCredential= of systemd.exec(5)), for a process of root that
// judges as the service. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agent/base/secret.hpp"
#include "agent/cli/service_unit.hpp"

namespace jeton::agent {

// The package makes it. Without a unit it may be missing.
inline constexpr const char* usual_credentials = "/etc/jeton/credentials";

using Credentials = std::map<std::string, SecretString>;

// A file, or the files of a folder and of those in it, under the names that they have in $CREDENTIALS_DIRECTORY. As for
// systemd, a link in a folder is none of its files, nor is a hidden file. `id`: of LoadCredential=; empty: the folder
// is such a directory itself. Throws Error if it cannot be read.
void add_credentials(const std::string& id, const std::filesystem::path& path, Credentials& credentials);

// The credentials that the account names. Without a path a credential is looked for in the stores, as by systemd, which
// starts the service without it. Credentials that only systemd can get (a socket, or its own) are left out. Throws
// Error for a file without which systemd would not start the service.
[[nodiscard]] Credentials credentials_of(const ServiceAccount& account,
                                         const std::vector<std::filesystem::path>& stores = {
                                             "/etc/credstore", "/run/credstore", "/usr/lib/credstore"});

}  // namespace jeton::agent
