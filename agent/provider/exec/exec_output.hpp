// Makes a token from the output of a command, in each of the formats. Pure functions, any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "agent/base/secret.hpp"
#include "agent/config/model/sources/source_config.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

// `started_at`: a lifetime counts from there.
//   json        as `response` says
//   kubernetes  status.token and status.expirationTimestamp; type Bearer
//   aws         the value is the JSON itself, so that an application, or an SDK through its credential_process, gets
//               the same text as from the command; the attribute access_key_id names the key
// Throws SourceError(transient), without any secret.
[[nodiscard]] FetchedToken parse_exec_output(std::string_view output, const ExecSourceConfig& config,
                                             WallTime started_at, std::span<const SecretString> secrets);

// The parts of the output that must not be in a log, also if the command failed or the output is not usable: the token
// and its like; of an output that cannot be read, its words.
[[nodiscard]] std::vector<SecretString> secrets_of_output(std::string_view output, const ExecSourceConfig& config);

}  // namespace jeton::agent
