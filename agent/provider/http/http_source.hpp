// The source of type `http`: one request as the configuration says, one answer.
//
// Time, nonces and signatures are new in every request. A refresh token that the answers replace is kept from fetch to
// fetch (refresh_chain.hpp). Secrets are read again for every fetch, so a replaced file is used at once. Secrets that a
// provider repeats in an error are hidden. One thread: the loop's.
#pragma once

#include <cstddef>
#include <string>

#include "agent/base/random.hpp"
#include "agent/config/model/config.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

struct BuiltRequest;
struct RotatingAnswer;

class HttpSource final : public Source {
 public:
  // `capacity`: bytes the token may have (tokens.NAME.capacity). All arguments by reference outlive the source.
  HttpSource(std::string name, const Immutable<HttpSourceConfig>& config, std::size_t capacity,
             HttpTransport& transport, const Clock& clock, const TokenValues& tokens, Random& random);

  Task<FetchedToken> fetch(FetchContext context) override;
  [[nodiscard]] std::string fingerprint() const override;
  [[nodiscard]] bool revokes() const override { return config_->revocation.has_value(); }
  Task<> revoke(SecretString token) override;
  [[nodiscard]] std::optional<std::string> describe_request() const override { return std::nullopt; }
  [[nodiscard]] std::string describe() const override { return display_; }

 private:
  Task<RotatingAnswer> ask(SecretString refresh_token);
  // `refresh_token`: the one that the request presents; empty if it has none.
  [[nodiscard]] BuiltRequest request_for(const SecretString& refresh_token) const;
  // `sent` lives until the Task is done.
  Task<HttpResponse> answer_to(const BuiltRequest& sent, SecretString refresh_token);

  const std::string name_;
  const Immutable<HttpSourceConfig> config_;
  const std::size_t capacity_;
  const std::string display_;
  HttpTransport& transport_;
  const Clock& clock_;
  const TokenValues& tokens_;
  Random& random_;
};

}  // namespace jeton::agent
