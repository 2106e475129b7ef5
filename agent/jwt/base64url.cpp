#include "agent/jwt/base64url.hpp"

#include <cstddef>
#include <cstdint>

namespace jeton::agent {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string base64url_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  unsigned held = 0;  // bits that are not written yet
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) text += alphabet[bits >> (held - 6) & 63U];
  }
  if (held > 0) text += alphabet[bits << (6 - held) & 63U];
  return text;
}

std::optional<SecretString> base64url_decode(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  SecretString bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    const char byte = static_cast<char>(bits >> held & 0xffU);
    bytes.append({&byte, 1});
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace jeton::agent
