#include "agent/config/model/sources/request_config.hpp"

#include <algorithm>

#include "agent/base/ascii.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {
namespace {

// Only the plainest entries count: a proxy in doubt is one that sees the request.
bool is_excepted(const std::string& host, const EgressConfig& egress) {
  return egress.no_proxy && std::any_of(egress.no_proxy->begin(), egress.no_proxy->end(), [&](const std::string& one) {
           return one == "*" || equal_ignoring_case(one, host);
         });
}

}  // namespace

std::string way_in_the_clear(const HttpUrl& url, const EgressConfig& egress) {
  if (url.tls || egress.allow_http) return {};
  if (!url.loopback()) return "to another host";
  // libcurl may write the host in another way than the URL has it: any name of loopback counts.
  const bool led_away = std::any_of(egress.resolve.begin(), egress.resolve.end(), [&](const ResolveOverride& entry) {
    return entry.port == url.port && is_loopback_host(entry.host) && !is_loopback_host(entry.address);
  });
  if (led_away) return "to the address of source.resolve";
  if (egress.proxy_use != ProxyUse::given || is_excepted(url.host, egress)) return {};
  const bool has_colon = url.host.find(':') != std::string::npos;  // an address of IPv6, in YAML
  const std::string entry = has_colon ? '"' + url.host + '"' : url.host;
  return "by source.proxy (set source.no_proxy: [" + entry + "] to keep it on this host)";
}

}  // namespace jeton::agent
