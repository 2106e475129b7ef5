// `jeton-agent demo [--for D] [--lifetime D] [--no-color]`, and the hidden `jeton-agent demo-reader` that it starts.
#pragma once

namespace CLI {
class App;
}

namespace jeton::agent {

// Adds both commands; the one that is given leaves its exit status in `status`.
void add_demo_commands(CLI::App& app, int& status);

}  // namespace jeton::agent
