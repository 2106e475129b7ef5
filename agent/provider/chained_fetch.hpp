// A fetch that presents a refresh token: the newest, and the one before it when that is refused (refresh_chain.hpp).
#pragma once

#include <functional>

#include "agent/base/task.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/provider/answer/rotating_answer.hpp"

namespace jeton::agent {

// Throws SourceError if a reference in `configured` cannot be resolved.
[[nodiscard]] SecretString resolved(const SecretTemplate& configured, const TokenValues& tokens);

// One request with this refresh token. Throws SourceError if there is no answer, or a refusal.
using AskWithToken = std::function<Task<RotatingAnswer>(SecretString refresh_token)>;

// `configured` and `tokens` outlive the task. Throws SourceError, whose message names the place of `configured` if only
// a person can help. Sends nothing if the chain is spent, unless an operator asked for the fetch.
[[nodiscard]] Task<FetchedToken> fetch_by_chain(FetchContext context, const SecretTemplate& configured,
                                                const TokenValues& tokens, AskWithToken ask);

}  // namespace jeton::agent
