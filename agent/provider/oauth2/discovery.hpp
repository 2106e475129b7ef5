// Discovery: the endpoints of a provider, from the document that its issuer publishes (RFC 8414; OpenID Connect
// Discovery).
//
// The document is kept for an hour, and requested again earlier if it may be out of date. While that fails, the known
// document stays in use. One thread: the loop's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/config/model/sources/source_config.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/oauth2/token_request.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

// The advice of messages about DPoP (RFC 9449): a proof of possession with every request, which jeton does not send.
inline constexpr const char* dpop_advice =
    "jeton sends no DPoP proofs (RFC 9449): ask the provider to issue bearer tokens to this client, or fetch with a "
    "source of type exec";

class Discovery {
 public:
  // All outlive it; `config` has an issuer.
  Discovery(const OAuth2SourceConfig& config, HttpTransport& transport, const Clock& clock, const TokenValues& tokens)
      : config_(config), transport_(transport), clock_(clock), tokens_(tokens) {}

  // Throws SourceError, and on cancellation system_error(operation_aborted).
  Task<OAuth2Endpoints> endpoints();
  // Reports that an endpoint did not answer like one: the next endpoints() requests the document again.
  void suspect() { suspected_ = true; }

 private:
  Task<OAuth2Endpoints> ask();
  [[nodiscard]] HttpRequest request_for(const std::string& place) const;  // throws SourceError: it cannot be made

  const OAuth2SourceConfig& config_;
  HttpTransport& transport_;
  const Clock& clock_;
  const TokenValues& tokens_;
  std::optional<OAuth2Endpoints> known_;
  BootTime asked_at_{};
  bool suspected_ = false;
};

// The two places of the document, in the order in which they are tried.
[[nodiscard]] std::string oauth_metadata_url(std::string_view issuer);   // RFC 8414 section 3.1
[[nodiscard]] std::string openid_metadata_url(std::string_view issuer);  // OpenID Connect Discovery section 4

// Reads the document. Throws SourceError if it is not such a document, is of another issuer, or has no usable endpoint.
[[nodiscard]] OAuth2Endpoints read_metadata(std::string_view body, const OAuth2SourceConfig& config);

}  // namespace jeton::agent
