#include "agent/config/model/sources/source_config.hpp"

namespace jeton::agent {
namespace {

struct LongestFetch {
  Milliseconds operator()(const HttpSourceConfig& config) const {
    return (config.refresh_token.empty() ? 1 : 2) * config.egress.timeout;
  }
  Milliseconds operator()(const ExecSourceConfig& config) const { return config.timeout; }
  Milliseconds operator()(const FileSourceConfig& /*config*/) const { return Milliseconds{0}; }
  Milliseconds operator()(const JwtSourceConfig& /*config*/) const { return Milliseconds{0}; }
  // The current refresh token, and the one before it. An issuer publishes its metadata at one of two places, and is
  // asked again when an endpoint is suspected to have moved.
  Milliseconds operator()(const OAuth2SourceConfig& config) const {
    const int attempts = config.grant == OAuth2SourceConfig::Grant::refresh_token ? 2 : 1;
    const int requests = config.issuer.empty() ? 1 : 3;
    return attempts * requests * config.egress.timeout;
  }
};

}  // namespace

Milliseconds longest_fetch(const SourceConfig& config) { return std::visit(LongestFetch{}, config); }

}  // namespace jeton::agent
