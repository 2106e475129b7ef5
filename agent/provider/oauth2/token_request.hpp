// Builds the requests of a source of type oauth2 from its configuration, with the client authenticated (RFC 6749
// section 2.3, RFC 7523, RFC 8705). The functions read files and environment when called; they throw Error, without any
// secret, for a reference that cannot be resolved, an unsuitable key, and http:// to another host without allow_http.
#pragma once

#include <cstddef>
#include <string>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/sources/source_config.hpp"
#include "agent/provider/request_builder.hpp"

namespace jeton::agent {

// The endpoints of the provider, configured or discovered.
struct OAuth2Endpoints {
  SecretString token;
  std::string token_display;  // as messages name it
  SecretString revocation;    // empty: none
  std::string revocation_display;
  bool offers_dpop = false;  // the metadata names algorithms for DPoP proofs
};

// `refresh_token`: for the grant of that name.
[[nodiscard]] BuiltRequest build_token_request(const OAuth2SourceConfig& config, const OAuth2Endpoints& endpoints,
                                               const SecretString& refresh_token, const RequestTerms& terms);

// RFC 7009 section 2.1, for an access token.
[[nodiscard]] BuiltRequest build_revocation_request(const OAuth2SourceConfig& config, const OAuth2Endpoints& endpoints,
                                                    const SecretString& token, const RequestTerms& terms);

// A fingerprint for Source::fingerprint() of the parts that are the same in every request. `capacity`: bytes the token
// may have (tokens.NAME.capacity).
[[nodiscard]] std::string fingerprint_of(const OAuth2SourceConfig& config, std::size_t capacity,
                                         const TokenValues& tokens);

}  // namespace jeton::agent
