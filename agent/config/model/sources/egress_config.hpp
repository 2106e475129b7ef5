// The way of a source's requests out of the host: time limits, proxy, TLS. These are keys beside `type` of every source
// that speaks HTTP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/config/model/tls_config.hpp"
#include "agent/config/secrets/secret_template.hpp"

namespace jeton::agent {

enum class ProxyUse {
  environment,  // HTTPS_PROXY, https_proxy, http_proxy, ALL_PROXY, all_proxy, as curl reads them
  none,
  given
};

enum class IpVersion { any, v4, v6 };

enum class HttpVersion { v1_1, automatic, v2 };  // automatic: what ALPN gives; v2: also without TLS

// The address to connect to for `host:port` of a URL.
struct ResolveOverride {
  std::string host;  // as in the URL; IPv6 without brackets
  std::uint16_t port = 0;
  std::string address;  // IPv4 or IPv6, without brackets
  bool operator==(const ResolveOverride&) const = default;
};

struct EgressConfig {
  Milliseconds timeout{10'000};         // whole request
  Milliseconds connect_timeout{5'000};  // DNS, TCP and TLS
  bool allow_http = false;              // plain http:// to other hosts than loopback
  int max_redirects = 0;                // 0: a redirect is an error
  ProxyUse proxy_use = ProxyUse::environment;
  SecretTemplate proxy;                              // set if and only if proxy_use is given
  std::optional<std::vector<std::string>> no_proxy;  // hosts without the proxy; unset: NO_PROXY of the environment
  ClientTlsConfig tls;
  IpVersion ip = IpVersion::any;
  HttpVersion http_version = HttpVersion::v1_1;  // one short call gains nothing from HTTP/2
  std::vector<ResolveOverride> resolve;
  std::string user_agent;  // empty: jeton/VERSION
  bool operator==(const EgressConfig&) const = default;
};

}  // namespace jeton::agent
