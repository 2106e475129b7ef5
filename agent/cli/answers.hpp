// jeton-agent answers: what a provider answered and the agent could not read, for taking a refresh token out by hand.
#pragma once

namespace CLI {
class App;
}

namespace jeton::agent {

// `status` gets the exit status when the command has run: 0, 1 for an error, 3 if nothing is kept.
void add_answers_command(CLI::App& app, int& status);

}  // namespace jeton::agent
