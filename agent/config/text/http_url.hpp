// Parses the URL of a provider strictly: every URL parser reads an accepted URL in the same way, so that the check for
// loopback and the request go to the same host.
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
  [[nodiscard]] bool loopback() const;        // localhost, 127.0.0.0/8 or ::1
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

// The URL of a proxy, taken apart strictly: "http://user:password@proxy.example.com:3128".
struct ProxyUrl {
  std::string scheme;  // http, https, socks5 (names are resolved here) or socks5h (by the proxy)
  std::string host;    // IPv6 without brackets
  std::uint16_t port = 0;
  [[nodiscard]] std::string display() const;  // "http://proxy.example.com:3128"; never user and password
};

// Throws Error that names the mistake; never shows the URL, which may hold a password.
[[nodiscard]] ProxyUrl parse_proxy_url(std::string_view text);

}  // namespace jeton::agent
