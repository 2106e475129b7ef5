// RefreshChain: chooses the refresh token to present if every use may bring a new one and end the old one (rotation,
// RFC 9700 section 4.14.2).
//
// Its state goes from fetch to fetch as opaque text (FetchedToken::state): the current refresh token, the previous one
// until the current one has been used successfully, and the configured one that they descend from. A lost answer does
// no harm at a provider that lets a refresh token be used again for a moment, nor at one that has not received the
// request. A value; one thread.
//
// fetch_by_chain(): a fetch that presents a refresh token: the newest, and the one before it when that is refused.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "agent/base/secret.hpp"
#include "agent/base/task.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

struct RotatingAnswer;

class RefreshChain {
 public:
  // `state`: the last result of after(). If it is empty, of another version or of another configured token, the chain
  // begins with `configured`. So a new token in the configuration wins, and if the configuration is changed back, the
  // old chain goes on.
  RefreshChain(const SecretString& state, const SecretString& configured);

  // The refresh tokens to try, in this order, each only after the one before was refused as invalid_grant. Never empty.
  [[nodiscard]] std::vector<SecretString> candidates() const;

  // Whether the provider accepted one of them with an answer that cannot be read: presented again, that refresh token
  // may end the chain.
  [[nodiscard]] bool spent() const { return spent_; }
  // The same state with that mark.
  [[nodiscard]] SecretString as_spent() const;

  // The state after `used` was accepted; `next`: the refresh token in the answer, nothing if `used` goes on.
  [[nodiscard]] SecretString after(const SecretString& used, const std::optional<SecretString>& next) const;

 private:
  SecretString configured_;
  SecretString current_;
  std::optional<SecretString> previous_;
  bool spent_ = false;
};

// Throws SourceError if a reference in `configured` cannot be resolved.
[[nodiscard]] SecretString resolved(const SecretTemplate& configured, const TokenValues& tokens);

// One request with this refresh token. Throws SourceError if there is no answer, or a refusal.
using AskWithToken = std::function<Task<RotatingAnswer>(SecretString refresh_token)>;

// `configured` and `tokens` outlive the task. Throws SourceError, whose message names the place of `configured` if only
// a person can help. Sends nothing if the chain is spent, unless an operator asked for the fetch.
[[nodiscard]] Task<FetchedToken> fetch_by_chain(FetchContext context, const SecretTemplate& configured,
                                                const TokenValues& tokens, AskWithToken ask);

}  // namespace jeton::agent
