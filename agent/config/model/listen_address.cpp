#include "agent/config/model/listen_address.hpp"

#include <arpa/inet.h>

#include <optional>

#include "agent/base/error.hpp"
#include "agent/config/text/http_url.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

bool is_numeric(const std::string& host) {
  in6_addr address{};  // has room for both
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

ListenAddress ListenAddress::parse(std::string_view text) {
  const ListenAddress of_loopback;
  const bool is_port = parse_unsigned(text).has_value();
  const HostPort parsed = parse_host_port(is_port ? of_loopback.host + ':' + std::string(text) : std::string(text), 0);
  if (!is_numeric(parsed.host)) throw Error("not a numeric address, as in 127.0.0.1:9717 or [::1]:9717");
  if (parsed.port == 0) throw Error("the port is missing, as in 127.0.0.1:9717 or [::1]:9717");
  return {parsed.host, parsed.port};
}

std::string ListenAddress::display() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

}  // namespace jeton::agent
