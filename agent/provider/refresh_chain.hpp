// RefreshChain: which refresh token to present, where every use may bring a new one and end the old one (rotation,
// RFC 9700 section 4.14.2).
//
// What it knows goes from fetch to fetch as opaque text (FetchedToken::state): the current refresh token, the one
// before it until the current one has proved itself by a use, and which configured one they descend from. Losing the
// answer of a use costs nothing at a provider that lets a token be used again for a moment, nor at one that has not
// seen the use. A value; one thread.
#pragma once

#include <optional>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

class RefreshChain {
 public:
  // `state`: what after() gave last; empty, of another version or of another configured token: the chain begins with
  // `configured`. So a new token in the configuration wins, and taking it back goes on where the old chain was.
  RefreshChain(const SecretString& state, const SecretString& configured);

  // To be tried in this order, each only after the one before was refused as invalid_grant. Never empty.
  [[nodiscard]] std::vector<SecretString> candidates() const;

  // The provider accepted one of them, and its answer cannot be read: presented again, the token may end the chain.
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
