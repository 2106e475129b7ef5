#include "agent/provider/trial/secret_words.hpp"

#include <algorithm>
#include <array>

#include "agent/base/ascii.hpp"
#include "agent/config/schema/reference_check.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t shortest_token = 16;  // bytes

}  // namespace

bool is_secret_name(std::string_view name) {
  constexpr std::array<std::string_view, 7> whole{"cookie", "setcookie",         "code", "key", "jwt",
                                                  "auth",   "proxyauthorization"};
  const std::string plain = plain_letters(name);
  return sounds_secret(name) || std::find(whole.begin(), whole.end(), plain) != whole.end();
}

bool is_token_character(char c) {
  return is_ascii_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/' || c == '=';
}

bool looks_like_token(std::string_view word) {
  return word.size() >= shortest_token && std::all_of(word.begin(), word.end(), is_token_character) &&
         std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_plain_name(std::string_view name) {
  constexpr std::array<std::string_view, 28> whole{
      "contenttype", "contentlength", "date",    "retryafter", "wwwauthenticate", "cachecontrol",     "server",
      "location",    "tokentype",     "type",    "scope",      "error",           "errordescription", "erroruri",
      "errmsg",      "errormessage",  "message", "msg",        "status",          "instanceurl",      "issuedat",
      "expiresat",   "expiration",    "expiry",  "reason",     "detail",          "requestid",        "expiresin"};
  const std::string plain = plain_letters(name);
  return plain.starts_with("xratelimit") || std::find(whole.begin(), whole.end(), plain) != whole.end();
}

bool is_code_name(std::string_view name) {
  constexpr std::array<std::string_view, 17> whole{
      "code",       "errcode", "errorcode", "err",     "errno",      "ret",     "retcode", "rc",       "returncode",
      "resultcode", "subcode", "suberror",  "bizcode", "statuscode", "success", "ok",      "succeeded"};
  return std::find(whole.begin(), whole.end(), plain_letters(name)) != whole.end();
}

bool looks_like_code(std::string_view value) {
  constexpr std::size_t longest_code = 40;  // bytes
  constexpr std::size_t longest_word = 20;
  constexpr std::size_t longest_number = 9;  // digits
  if (value.empty() || value.size() > longest_code) return false;
  std::size_t letters = 0;
  std::size_t digits = 0;
  for (const char c : value) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!digit && !letter && c != '_' && c != '-' && c != '.') return false;
    letters = letter ? letters + 1 : digit ? letters : 0;
    digits = digit ? digits + 1 : letter ? digits : 0;
    if ((letters > 0 && digits > 0) || letters > longest_word || digits > longest_number) return false;
  }
  return true;
}

std::string size_of(std::string_view text) { return "*** (" + std::to_string(text.size()) + " bytes)"; }

}  // namespace jeton::agent
