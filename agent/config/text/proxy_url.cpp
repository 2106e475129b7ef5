#include "agent/config/text/proxy_url.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {

ProxyUrl parse_proxy_url(std::string_view text) {
  constexpr const char* expected = "a proxy is http://HOST:PORT, https://..., socks5://... or socks5h://...";
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F && c != '\\'; });
  if (!plain) throw Error("the URL of the proxy holds a blank or a character that is not ASCII; percent-encode it");

  ProxyUrl url;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) throw Error(expected);
  url.scheme = std::string(text.substr(0, colon));
  const bool socks = url.scheme == "socks5" || url.scheme == "socks5h";
  if (!socks && url.scheme != "http" && url.scheme != "https") throw Error(expected);
  std::string_view authority = text.substr(colon + 3);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  if (authority.find_first_of("/?#") != std::string_view::npos) {
    throw Error("the URL of the proxy has a path; percent-encode / ? and # in its user and password");
  }
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    if (authority.find('@') != at) throw Error("percent-encode the @ in user or password of the proxy (%40)");
    authority.remove_prefix(at + 1);
  }
  const HostPort where = parse_host_port(authority, socks ? 1080 : url.scheme == "https" ? 443 : 0);
  if (where.port == 0) throw Error("the URL of the proxy has no port, as in http://proxy.example.com:3128");
  url.host = where.host;
  url.port = where.port;
  return url;
}

std::string ProxyUrl::display() const {
  return scheme + "://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace jeton::agent
