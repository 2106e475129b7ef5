// The configuration as the service sees it, so that root's `check` and `fetch` see the same: with the user and the
// groups, the credentials and the environment of jeton-agent.service. Not for a process with several threads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/config/load.hpp"

namespace jeton::agent {

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
