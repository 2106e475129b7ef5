// How requests of a source leave the host.
#include <arpa/inet.h>

#include <algorithm>
#include <chrono>

#include "agent/base/error.hpp"
#include "agent/config/schema/schema.hpp"
#include "agent/config/schema/sources/request_schema.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;

void read_timeouts(ObjectReader& source, EgressConfig& config) {
  const ValueReader timeout = source.at("timeout");
  const ValueReader connect_timeout = source.at("connect_timeout");
  assign(config.timeout, timeout.duration(10ms, 5min));
  if (const auto explicit_timeout = connect_timeout.duration(10ms, 5min)) {
    config.connect_timeout = *explicit_timeout;
    if (*explicit_timeout > config.timeout)
      connect_timeout.error("source.connect_timeout is longer than source.timeout");
  }
  config.connect_timeout = std::min(config.connect_timeout, config.timeout);
}

void check_proxy(const ValueReader& value, const SecretTemplate& proxy) {
  SecretString resolved;
  try {
    resolved = proxy.resolve();
  } catch (const Error&) {
    return;  // check_secrets() says so
  }
  try {
    static_cast<void>(parse_proxy_url(resolved.reveal()));
  } catch (const Error& e) {
    value.error(value.path() + ": " + e.what());
  }
  const bool literal_user = std::any_of(proxy.parts().begin(), proxy.parts().end(), [](const auto& part) {
    const std::size_t at = part.text.find('@');
    const std::size_t colon = part.text.rfind(':', at);
    return part.kind == SecretTemplate::Part::Kind::literal && at != std::string::npos && colon + 1 != at &&
           colon != std::string::npos && !part.text.substr(colon).starts_with("://");
  });
  if (literal_user) {
    value.warning(value.path() + " holds a literal password; write http://USER:${file:PATH}@HOST:PORT");
  }
}

void read_proxy(ObjectReader& source, EgressConfig& config) {
  const ValueReader proxy = source.at("proxy");
  const ValueReader no_proxy = source.at("no_proxy");
  if (auto url = proxy.secret()) {
    const bool none = *url == SecretTemplate::literal("none");
    config.proxy_use = none ? ProxyUse::none : ProxyUse::given;
    if (!none) check_proxy(proxy, *url);
    if (!none) config.proxy = std::move(*url);
  }
  auto hosts = no_proxy.list();
  if (!no_proxy.present()) return;
  for (const std::string& host : hosts) {
    if (host.find_first_of(", ") != std::string::npos)
      no_proxy.error(no_proxy.path() + ": " + in_quotes(host) + " is not one host; write a list like [a, b]");
  }
  if (config.proxy_use == ProxyUse::none)
    no_proxy.error("source.no_proxy is not used: source.proxy is none; remove one of them");
  config.no_proxy = std::move(hosts);
}

bool is_address(const std::string& text) {
  in_addr v4{};
  in6_addr v6{};
  return ::inet_pton(AF_INET, text.c_str(), &v4) == 1 || ::inet_pton(AF_INET6, text.c_str(), &v6) == 1;
}

std::vector<ResolveOverride> read_resolve(const ValueReader& resolve) {
  std::vector<ResolveOverride> result;
  for (const Member& member : resolve.members()) {
    const auto text = member.value.text();
    if (!text) continue;
    ResolveOverride entry;
    try {
      const HostPort where = parse_host_port(member.name, 0);
      if (where.port == 0) throw Error("the port is missing");
      entry.host = where.host;
      entry.port = where.port;
    } catch (const Error& e) {
      member.value.error(resolve.path() + ": " + in_quotes(member.name) + ": " + e.what() +
                         "; expected HOST:PORT as in the URL, like api.example.com:443");
      continue;
    }
    entry.address = *text;
    if (entry.address.starts_with('[') && entry.address.ends_with(']')) {
      entry.address = entry.address.substr(1, entry.address.size() - 2);
    }
    if (!is_address(entry.address)) {
      member.value.error(member.value.path() + ": expected an IPv4 or IPv6 address; got " + in_quotes(*text));
    }
    result.push_back(std::move(entry));
  }
  return result;
}

void read_user_agent(const ValueReader& value, std::string& out) {
  assign(out, value.text());
  const bool plain = std::all_of(out.begin(), out.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!plain) value.error(value.path() + ": only ASCII can be sent in a header");
}

}  // namespace

EgressConfig read_egress(ObjectReader& source, Reading& /*reading*/) {
  EgressConfig config;
  read_timeouts(source, config);
  assign(config.allow_http, source.at("allow_http").boolean());
  if (const auto redirects = source.at("max_redirects").integer(0, 10)) {
    config.max_redirects = static_cast<int>(*redirects);
  }
  read_proxy(source, config);
  ObjectReader tls = source.at("tls").object();
  config.tls = read_client_tls(tls);
  tls.finish();
  assign(config.ip,
         source.at("ip").choice<IpVersion>({{"any", IpVersion::any}, {"4", IpVersion::v4}, {"6", IpVersion::v6}}));
  assign(
      config.http_version,
      source.at("http_version")
          .choice<HttpVersion>({{"auto", HttpVersion::automatic}, {"1.1", HttpVersion::v1_1}, {"2", HttpVersion::v2}}));
  config.resolve = read_resolve(source.at("resolve"));
  read_user_agent(source.at("user_agent"), config.user_agent);
  return config;
}

}  // namespace jeton::agent
