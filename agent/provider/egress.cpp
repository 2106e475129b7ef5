#include "agent/provider/egress.hpp"

#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {
namespace {

// User and password as they are in the URL, together and each by itself.
void remember_credentials(std::string_view url, std::vector<SecretString>& secrets) {
  const std::size_t begin = url.find("://") + 3;
  const std::size_t at = url.rfind('@');
  if (at == std::string_view::npos || at < begin) return;
  const std::string_view userinfo = url.substr(begin, at - begin);
  secrets.emplace_back(userinfo);
  const std::size_t colon = userinfo.find(':');
  if (colon != std::string_view::npos && colon + 1 < userinfo.size()) secrets.emplace_back(userinfo.substr(colon + 1));
}

}  // namespace

void apply_egress(HttpRequest& request, const EgressConfig& config, const TokenValues& tokens,
                  std::vector<SecretString>& secrets) {
  request.connect_timeout = config.connect_timeout;
  request.timeout = config.timeout;
  request.max_redirects = config.max_redirects;
  HttpRoute& route = request.route;
  route.proxy_use = config.proxy_use;
  if (config.proxy_use == ProxyUse::given) {
    route.proxy = config.proxy.resolve(&tokens);
    try {
      static_cast<void>(parse_proxy_url(route.proxy.reveal()));
    } catch (const Error& e) {
      throw Error(std::string("source.proxy: ") + e.what());
    }
    remember_credentials(route.proxy.reveal(), secrets);
  }
  route.no_proxy = config.no_proxy;
  route.tls = config.tls;
  route.ip = config.ip;
  route.http_version = config.http_version;
  route.resolve = config.resolve;
  route.user_agent = config.user_agent;
  request.secrets = secrets;
}

}  // namespace jeton::agent
