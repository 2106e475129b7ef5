// jeton-agent answers: prints the provider's answers that the agent could not read, so that an operator finds the
// refresh token in them.
#pragma once

namespace CLI {
class App;
}

namespace jeton::agent {

// `status` gets the exit status when the command has run: 0, 1 for an error, 3 if nothing is kept.
void add_answers_command(CLI::App& app, int& status);

}  // namespace jeton::agent
