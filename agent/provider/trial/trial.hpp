// `jeton-agent fetch`: tries the source of one token once, on this host only: no coordinator, no segment, nothing is
// published. The production code of the source, with a transport that shows the requests and answers.
#pragma once

#include <iosfwd>
#include <string>

#include "agent/config/model/config.hpp"

namespace jeton::agent {

enum class TrialMode {
  dry_run,  // shows the request, sends nothing; ${token:NAME} is ***
  once      // sends it; a token named by ${token:NAME} is fetched first
};

// `name` is a token of `config`. Output goes to `out`, without any secret. False: no token was obtained (never
// so in a dry run), and `err` says why. Throws Error if the source cannot be made or its request cannot be built.
[[nodiscard]] bool try_source(const Config& config, const std::string& name, TrialMode mode, std::ostream& out,
                              std::ostream& err);

}  // namespace jeton::agent
