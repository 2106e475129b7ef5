#include "agent/provider/answer/auth_scheme.hpp"

#include <algorithm>
#include <array>

#include "agent/base/ascii.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

constexpr std::array<std::string_view, 32> auth_schemes{
    // https://www.iana.org/assignments/http-authschemes
    "Basic", "Bearer", "Concealed", "Digest", "DPoP", "GNAP", "HOBA", "Mutual", "Negotiate", "OAuth", "PrivateToken",
    "SCRAM-SHA-1", "SCRAM-SHA-256", "vapid",
    // Schemes of providers.
    "API-Key", "ApiKey", "AWS4-HMAC-SHA256", "Bot", "GenieKey", "GoogleLogin", "Hawk", "JWT", "Key", "MAC", "NTLM",
    "PoP", "Snowflake", "Splunk", "SSO-Key", "SSWS", "Token", "Zoho-oauthtoken"};

constexpr std::size_t longest_plain_word = 16;  // bytes; a longer one with a digit may be a secret

bool is_name_character(char c) { return is_ascii_alphanumeric(c) || c == '-' || c == '.' || c == '_'; }

bool has_digit(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_auth_scheme(std::string_view word) {
  return std::any_of(auth_schemes.begin(), auth_schemes.end(),
                     [&](std::string_view scheme) { return equal_ignoring_case(scheme, word); });
}

bool may_be_type(std::string_view word) {
  if (is_auth_scheme(word)) return true;
  if (word.empty() || !is_token_type(word)) return false;
  if (word.starts_with("urn:") || word.starts_with("https://")) return true;
  return std::all_of(word.begin(), word.end(), is_name_character) &&
         (word.size() < longest_plain_word || !has_digit(word));
}

}  // namespace jeton::agent
