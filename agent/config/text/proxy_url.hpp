// The URL of a proxy, taken apart strictly: "http://user:password@proxy.example.com:3128".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::agent {

struct ProxyUrl {
  std::string scheme;  // http, https, socks5 (names are resolved here) or socks5h (by the proxy)
  std::string host;    // IPv6 without brackets
  std::uint16_t port = 0;
  [[nodiscard]] std::string display() const;  // "http://proxy.example.com:3128"; never user and password
};

// Throws Error that names the mistake; never shows the URL, which may hold a password.
[[nodiscard]] ProxyUrl parse_proxy_url(std::string_view text);

}  // namespace jeton::agent
