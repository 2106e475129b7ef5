// RefreshChain: chooses the refresh token to present if every use may bring a new one and end the old one (rotation,
// RFC 9700 section 4.14.2).
//
// Its state goes from fetch to fetch as opaque text (FetchedToken::state): the current refresh token, the previous one
// until the current one has been used successfully, and the configured one that they descend from. A lost answer does
// no harm at a provider that lets a refresh token be used again for a moment, nor at one that has not received the
// request. A value; one thread.
#pragma once

#include <optional>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

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

}  // namespace jeton::agent
