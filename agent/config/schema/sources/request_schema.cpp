// Parts of a request that several types of source have: URL, parameters and headers, and its way out of the host.
#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "agent/base/ascii.hpp"
#include "agent/base/error.hpp"
#include "agent/config/schema/reference_check.hpp"
#include "agent/config/schema/schema.hpp"
#include "agent/config/schema/sources/source_schema.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;

void warn_of_literal_secrets_in_query(const ValueReader& value, const SecretTemplate& url) {
  for (const SecretPart& part : url.parts()) {
    if (part.kind != SecretPart::Kind::literal) continue;
    for (std::size_t at = part.text.find_first_of("?&"); at != std::string::npos; at = part.text.find('&', at + 1)) {
      const std::string pair = part.text.substr(at + 1, part.text.find('&', at + 1) - at - 1);
      const std::size_t equals = pair.find('=');
      if (equals != std::string::npos && equals + 1 < pair.size() && sounds_secret(pair.substr(0, equals))) {
        value.warn(" holds a literal secret (" + in_quotes(pair.substr(0, equals)) +
                   "); move it to source.query as ${file:PATH} or ${credential:NAME}");
      }
    }
  }
}

void check_url(const ValueReader& value, const SecretTemplate& url, const EgressConfig& egress) {
  const auto resolved = resolved_now(url);
  if (!resolved) return;
  const auto parts = value.parsed(resolved->reveal(), parse_http_url);
  const std::string way = parts ? way_in_the_clear(*parts, egress) : std::string();
  if (way.empty()) return;
  value.refuse(": http:// sends the token and its secrets in the clear " + way +
               "; use https://, or set source.allow_http: true");
}

void read_timeouts(ObjectReader& source, EgressConfig& config) {
  const ValueReader timeout = source.at("timeout");
  const ValueReader connect_timeout = source.at("connect_timeout");
  assign(config.timeout, timeout.duration(10ms, 5min));
  if (const auto explicit_timeout = connect_timeout.duration(10ms, 5min)) {
    config.connect_timeout = *explicit_timeout;
    if (*explicit_timeout > config.timeout) {
      connect_timeout.error("source.connect_timeout is longer than source.timeout");
    }
  }
  config.connect_timeout = std::min(config.connect_timeout, config.timeout);
}

void check_proxy(const ValueReader& value, const SecretTemplate& proxy) {
  const auto resolved = resolved_now(proxy);
  if (!resolved) return;
  static_cast<void>(value.parsed(resolved->reveal(), parse_proxy_url));
  const bool literal_user = std::any_of(proxy.parts().begin(), proxy.parts().end(), [](const auto& part) {
    const std::size_t at = part.text.find('@');
    const std::size_t colon = part.text.rfind(':', at);
    return part.kind == SecretPart::Kind::literal && at != std::string::npos && colon + 1 != at &&
           colon != std::string::npos && !part.text.substr(colon).starts_with("://");
  });
  if (literal_user) value.warn(" holds a literal password; write http://USER:${file:PATH}@HOST:PORT");
}

void read_proxy(ObjectReader& source, EgressConfig& config) {
  const ValueReader proxy = source.at("proxy");
  const ValueReader no_proxy = source.at("no_proxy");
  if (auto url = proxy.filled_secret()) {
    const bool none = *url == SecretTemplate::literal("none");
    config.proxy_use = none ? ProxyUse::none : ProxyUse::given;
    if (!none) check_proxy(proxy, *url);
    if (!none) config.proxy = std::move(*url);
  }
  auto hosts = no_proxy.list();
  if (!no_proxy.present()) return;
  for (const std::string& host : hosts) {
    if (host.find_first_of(", ") == std::string::npos) continue;
    no_proxy.refuse(": " + in_quotes(host) + " is not one host; write a list like [a, b]");
  }
  if (config.proxy_use == ProxyUse::none) {
    no_proxy.error("source.no_proxy is not used: source.proxy is none; remove one of them");
  }
  config.no_proxy = std::move(hosts);
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
    if (!is_ip_address(entry.address)) {
      member.value.refuse(": expected an IPv4 or IPv6 address; got " + in_quotes(*text));
    }
    result.push_back(std::move(entry));
  }
  return result;
}

void read_user_agent(const ValueReader& value, std::string& out) {
  assign(out, value.text());
  const bool plain = std::all_of(out.begin(), out.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!plain) value.refuse(": only ASCII can be sent in a header");
}

}  // namespace

std::optional<SecretTemplate> read_url(const ValueReader& value, const EgressConfig& egress) {
  auto url = value.filled_secret();
  if (!url) return std::nullopt;
  check_url(value, *url, egress);
  warn_of_literal_secrets_in_query(value, *url);
  return url;
}

std::map<std::string, SecretTemplate> read_fields(const ValueReader& fields, SecretUse use) {
  std::map<std::string, SecretTemplate> result;
  for (const Member& member : fields.members()) {
    if (auto value = member.value.secret(use)) result.emplace(member.name, std::move(*value));
  }
  return result;
}

ParameterTemplates read_parameters(const ValueReader& fields) {
  ParameterTemplates result;
  for (const Member& member : fields.members()) {
    auto values = member.value.secrets();
    if (!values.empty()) result.emplace(member.name, std::move(values));
  }
  return result;
}

bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    return is_ascii_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::map<std::string, SecretTemplate> read_headers(const ValueReader& headers, Reading& reading) {
  constexpr std::array<std::string_view, 4> reserved{"content-length", "transfer-encoding", "connection", "host"};
  auto result = read_fields(headers, SecretUse::header);
  if (reading.paths != nullptr) return result;
  std::set<std::string> seen;
  for (const Member& member : headers.members()) {
    std::string name = member.name;
    std::transform(name.begin(), name.end(), name.begin(), ascii_lower);
    const auto refuse = [&](const std::string& why) {
      reading.problems.error(member.place, "header " + in_quotes(member.name) + why);
    };
    if (!is_field_name(name)) refuse(" is not the name of a header");
    if (lists(reserved, name)) refuse(" is set by the agent itself");
    if (!seen.insert(std::move(name)).second) refuse(" is set twice; case does not matter in the name of a header");
  }
  return result;
}

EgressConfig read_egress(ObjectReader& source) {
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
