// The source of type `oauth2`: the token endpoint of RFC 6749, by any of four grants, and the revocation endpoint of
// RFC 7009.
//
// Every attempt reads secrets and keys again and signs a new assertion. One thread: the loop's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "agent/base/random.hpp"
#include "agent/config/model/config.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/oauth2/discovery.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

struct RotatingAnswer;

class OAuth2Source final : public Source {
 public:
  // `capacity`: bytes the token may have (tokens.NAME.capacity). All arguments by reference outlive the source.
  OAuth2Source(std::string name, const Immutable<OAuth2SourceConfig>& config, std::size_t capacity,
               HttpTransport& transport, const Clock& clock, const TokenValues& tokens, Random& random);

  Task<FetchedToken> fetch(FetchContext context) override;
  [[nodiscard]] std::string fingerprint() const override;
  [[nodiscard]] bool revokes() const override { return config_->revoke; }
  Task<> revoke(SecretString token) override;
  [[nodiscard]] std::optional<std::string> describe_request() const override { return std::nullopt; }
  [[nodiscard]] std::string describe() const override { return display_; }

 private:
  // One request. `refresh_token`: for the grant of that name.
  Task<RotatingAnswer> ask(SecretString refresh_token);
  [[nodiscard]] bool rotates() const { return config_->grant == OAuth2SourceConfig::Grant::refresh_token; }
  Task<OAuth2Endpoints> endpoints();
  Task<HttpResponse> perform(HttpRequest request, SecretString refresh_token);

  const std::string name_;
  const Immutable<OAuth2SourceConfig> config_;
  const std::size_t capacity_;
  const std::string display_;
  HttpTransport& transport_;
  const Clock& clock_;
  const TokenValues& tokens_;
  Random& random_;
  Discovery discovery_;
};

}  // namespace jeton::agent
