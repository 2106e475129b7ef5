#include "agent/base/excerpt.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t shortest_secret = 3;

// The length of the longest secret that starts at `position`; 0: none does.
std::size_t secret_at(std::string_view text, std::size_t position, std::span<const SecretString> secrets) {
  std::size_t longest = 0;
  for (const SecretString& secret : secrets) {
    if (secret.size() < shortest_secret || secret.size() <= longest) continue;
    if (text.substr(position).starts_with(secret.reveal())) longest = secret.size();
  }
  return longest;
}

// The length of a control character at `position` that could move a terminal's cursor or forge a line: C0, DEL, and C1
// in its UTF-8 form (C2 80 to C2 9F).
std::size_t control_at(std::string_view text, std::size_t position) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(position);
  if (first < 0x20 || first == 0x7f) return 1;
  return first == 0xc2 && byte(position + 1) >= 0x80 && byte(position + 1) <= 0x9f ? 2 : 0;
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

}  // namespace

std::string excerpt(std::string_view text, std::span<const SecretString> secrets, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t rest_of_character = continues_character(text[i]) ? 3 : 0;  // at most
    if (out.size() >= limit + rest_of_character) return out + "...";
    if (const std::size_t length = secret_at(text, i, secrets)) {
      out += "***";
      i += length;
    } else if (const std::size_t control = control_at(text, i)) {
      out += ' ';
      i += control;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace jeton::agent
