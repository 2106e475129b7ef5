// URLs and addresses of the configuration, parsed strictly: every URL parser reads an accepted URL in the same way, so
// that the check for loopback and the request go to the same host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::agent {

struct HttpUrl {
  bool tls = true;   // https
  std::string host;  // as in the URL; IPv6 without brackets
  std::uint16_t port = 0;
  std::string path;                           // "/" if the URL has none; without the query
  [[nodiscard]] bool loopback() const;        // is_loopback_host(host)
  [[nodiscard]] std::string display() const;  // "https://host:port/path", the port if it is not the default; no query
};

// Throws Error that names the mistake; never shows the URL, which may hold a secret.
[[nodiscard]] HttpUrl parse_http_url(std::string_view text);

// Host and port out of "host", "host:port", "[v6]" or "[v6]:port". Throws Error.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
[[nodiscard]] HostPort parse_host_port(std::string_view text, std::uint16_t default_port);

// As a URL has the host: IPv6 in brackets.
[[nodiscard]] std::string bracketed(const std::string& host);
// localhost, 127.0.0.0/8 or ::1. IPv6 without brackets. libcurl knows localhost itself and asks no resolver.
[[nodiscard]] bool is_loopback_host(const std::string& host);
// IPv4, or IPv6 without brackets.
[[nodiscard]] bool is_ip_address(const std::string& text);

// The URL of a proxy, taken apart strictly: "http://user:password@proxy.example.com:3128".
struct ProxyUrl {
  std::string scheme;  // http, https, socks5 (names are resolved here) or socks5h (by the proxy)
  std::string host;    // IPv6 without brackets
  std::uint16_t port = 0;
  [[nodiscard]] std::string display() const;  // "http://proxy.example.com:3128"; never user and password
};

// Throws Error that names the mistake; never shows the URL, which may hold a password.
[[nodiscard]] ProxyUrl parse_proxy_url(std::string_view text);

// An address and port of this host where the agent serves over TCP (agent.listen). Numbers only: a name may lead
// elsewhere tomorrow.
struct ListenAddress {
  std::string host = "127.0.0.1";  // IPv4, or IPv6 without brackets
  std::uint16_t port = 0;
  // "9717" (of loopback), "127.0.0.1:9717" or "[::1]:9717". Throws Error.
  [[nodiscard]] static ListenAddress parse(std::string_view text);
  // "127.0.0.1:9717" or "[::1]:9717".
  [[nodiscard]] std::string display() const;
  bool operator==(const ListenAddress&) const = default;
};

}  // namespace jeton::agent
