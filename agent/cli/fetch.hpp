// `jeton-agent fetch NAME --dry-run|--once [--config FILE]...`: tries the source of a token, publishes nothing.
#pragma once

namespace CLI {
class App;
}

namespace jeton::agent {

// Exit statuses of the command, left in `status`: 0 done, 1 usage or configuration, 3 no token was obtained.
void add_fetch_command(CLI::App& app, int& status);

}  // namespace jeton::agent
