// The account of the service, so that root's `check` and `fetch` see the same as the service: the user and
// the groups, the credentials and the environment of jeton-agent.service. Not for a process with several threads.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/config/load.hpp"

namespace jeton::agent {

struct ServiceAccount {
  std::string user;
  std::string group{};                                           // empty: the user's own
  std::vector<std::string> more_groups{};                        // SupplementaryGroups=
  std::vector<std::pair<std::string, std::string>> credentials;  // LoadCredential=: id, and a file or a folder
  std::vector<std::pair<std::string, std::string>> texts{};      // SetCredential=: id, and the text
  std::vector<std::string> environment{};                        // NAME=value
  std::vector<std::pair<std::string, bool>> variable_files{};    // EnvironmentFile=; true: it may be missing
  bool has_unit = false;                                         // false: what follows is not known
  std::vector<std::string> hidden{};                             // folders that it does not see
};

// The account of the unit as systemd has it, drop-ins included. Without a systemd that knows the unit: user jeton with
// /etc/jeton/credentials; nothing if there is no such user. `named` (--user) takes the place of the user.
[[nodiscard]] std::optional<ServiceAccount> service_account(const std::string& named);

// Reads the credentials of the account and switches the process to it, permanently. Throws Error.
void become(const ServiceAccount& account);

// The result of a check of `files` as the service will see them: the check runs as the account of the service if this
// process is root, otherwise as the user who runs it. Texts are read before the switch, so that root can try a file in
// its home; files that the service itself reads must be readable for the service.
struct Judged {
  LoadResult result;
  std::string as;  // "user jeton, as the service", for people; empty: by who runs it
};
[[nodiscard]] Judged load_as_service(const std::vector<std::filesystem::path>& files, const std::string& named_user,
                                     const std::string& of_token = {});

}  // namespace jeton::agent
