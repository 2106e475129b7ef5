// ServiceAccount: what jeton-agent.service gives to the agent: the user and the groups, the credentials and the
// environment.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jeton::agent {

inline constexpr const char* service_unit = "jeton-agent.service";

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

// As systemd has the unit, drop-ins included, by the bus of the system's manager; unreadable values are empty.
// Nothing: there is no such manager, or no such unit. One thread.
[[nodiscard]] std::optional<ServiceAccount> account_of_unit();

}  // namespace jeton::agent
