#include "agent/http/url.hpp"

#include "agent/base/ascii.hpp"

namespace jeton::agent {
namespace {

bool is_unreserved(char c) {  // RFC 3986 section 2.3; not isalnum(), which asks the locale
  return is_ascii_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

}  // namespace

SecretString percent_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  SecretString out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.append({&c, 1});
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    const char escaped[3] = {'%', digits[byte >> 4U], digits[byte & 15U]};
    out.append({escaped, 3});
  }
  return out;
}

SecretString encode_parameters(const Parameters& parameters) {
  SecretString out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out.append("&");
    out.append(percent_encoded(name).reveal());
    out.append("=");
    out.append(percent_encoded(value.reveal()).reveal());
  }
  return out;
}

SecretString with_query(const SecretString& url, const Parameters& parameters) {
  SecretString out = url;
  if (parameters.empty()) return out;
  const std::string_view text = url.reveal();
  const bool has_query = text.find('?') != std::string_view::npos;
  out.append(!has_query ? "?" : text.ends_with('?') || text.ends_with('&') ? "" : "&");
  out.append(encode_parameters(parameters).reveal());
  return out;
}

}  // namespace jeton::agent
