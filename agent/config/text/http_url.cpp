#include "agent/config/text/http_url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "agent/base/ascii.hpp"
#include "agent/base/error.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;
constexpr std::size_t max_url = 8 * 1024;

// Every parser takes these characters as they are.
bool is_url_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F && c != '\\'; });
}

bool is_host_name(std::string_view text) {
  const auto fits = [](char c) { return is_ascii_alphanumeric(c) || c == '-' || c == '.' || c == '_'; };
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), fits) && text.front() != '.' &&
         text.front() != '-' && text.find("..") == std::string_view::npos;
}

// Digits and dots only, or a hexadecimal number: something resolvers may take for an address in an old form.
bool is_odd_address(const std::string& host) {
  const std::size_t dot = host.rfind('.');
  const std::string last = host.substr(dot == std::string::npos ? 0 : dot + 1);
  const bool numeric = !last.empty() && last.find_first_not_of("0123456789") == std::string::npos;
  const bool hexadecimal = last.starts_with("0x") || last.starts_with("0X");
  in_addr address{};
  return (numeric || hexadecimal) && ::inet_pton(AF_INET, host.c_str(), &address) != 1;
}

}  // namespace

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

bool is_ip_address(const std::string& text) {
  in6_addr address{};  // has room for both
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1 || ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

HostPort parse_host_port(std::string_view text, std::uint16_t default_port) {
  HostPort result{{}, default_port};
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    result.host = std::string(text.substr(1, end == std::string_view::npos ? end : end - 1));
    in6_addr address{};
    if (end == std::string_view::npos || ::inet_pton(AF_INET6, result.host.c_str(), &address) != 1) {
      throw Error("not an IPv6 address in brackets, as in [::1]:6379");
    }
    rest = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    result.host = std::string(text.substr(0, colon));
    rest = text.substr(colon);
    if (rest.find(':', 1) != std::string_view::npos)
      throw Error("an IPv6 address must be in brackets, as in [::1]:6379");
    if (result.host.empty()) throw Error("the host is missing");
    if (!is_host_name(result.host) || is_odd_address(result.host)) throw Error("not a host name or an address");
  }
  if (rest.empty()) return result;
  const auto port = rest.starts_with(':') ? parse_unsigned(rest.substr(1)) : std::nullopt;
  if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max()) {
    throw Error("not a port between 1 and 65535 after the host");
  }
  result.port = static_cast<std::uint16_t>(*port);
  return result;
}

HttpUrl parse_http_url(std::string_view text) {
  if (text.size() > max_url) throw Error("the URL is longer than 8 KiB");
  if (!is_url_text(text)) {
    throw Error("the URL holds a blank, a backslash, or a character that is not ASCII; percent-encode it");
  }
  HttpUrl url;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    url.tls = false;
    text.remove_prefix(7);
  } else {
    throw Error("the URL must start with https:// (or http:// where that is allowed)");
  }
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  const std::string_view authority = text.substr(0, end);
  const std::string_view target = text.substr(end);
  if (authority.find('@') != std::string_view::npos) {
    throw Error("a user or password in the URL; send them as a header or a form field");
  }
  if (target.find('#') != std::string_view::npos) throw Error("a fragment (#...) in the URL is never sent; remove it");
  const HostPort where = parse_host_port(authority, url.tls ? https_port : http_port);
  url.host = where.host;
  url.port = where.port;
  url.path = std::string(target.substr(0, target.find('?')));
  if (url.path.empty()) url.path = "/";
  return url;
}

bool is_loopback_host(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
  return equal_ignoring_case(host, "localhost");
}

bool HttpUrl::loopback() const { return is_loopback_host(host); }

std::string HttpUrl::display() const {
  std::string text = (tls ? "https://" : "http://") + bracketed(host);
  if (port != (tls ? https_port : http_port)) text += ":" + std::to_string(port);
  return text + path;
}

ProxyUrl parse_proxy_url(std::string_view text) {
  constexpr const char* expected = "a proxy is http://HOST:PORT, https://..., socks5://... or socks5h://...";
  if (!is_url_text(text)) {
    throw Error("the URL of the proxy holds a blank or a character that is not ASCII; percent-encode it");
  }
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

std::string ProxyUrl::display() const { return scheme + "://" + bracketed(host) + ":" + std::to_string(port); }

ListenAddress ListenAddress::parse(std::string_view text) {
  const ListenAddress of_loopback;
  const bool is_port = parse_unsigned(text).has_value();
  const HostPort parsed = parse_host_port(is_port ? of_loopback.host + ':' + std::string(text) : std::string(text), 0);
  if (!is_ip_address(parsed.host)) throw Error("not a numeric address, as in 127.0.0.1:9717 or [::1]:9717");
  if (parsed.port == 0) throw Error("the port is missing, as in 127.0.0.1:9717 or [::1]:9717");
  return {parsed.host, parsed.port};
}

std::string ListenAddress::display() const { return bracketed(host) + ':' + std::to_string(port); }

}  // namespace jeton::agent
