#include "agent/jwt/text_encoding.hpp"

#include <openssl/evp.h>

#include <vector>

namespace jeton::agent {

SecretString hex_encoded(std::string_view bytes, HexCase digits) {
  const std::string_view hexadecimal = digits == HexCase::upper ? "0123456789ABCDEF" : "0123456789abcdef";
  SecretString text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.append(hexadecimal.substr(byte >> 4U, 1));
    text.append(hexadecimal.substr(byte & 15U, 1));
  }
  return text;
}

SecretString base64_encoded(std::string_view bytes) {
  std::vector<unsigned char, WipingAllocator<unsigned char>> text((bytes.size() + 2) / 3 * 4 + 1);
  const int size = ::EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  return SecretString({reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)});
}

}  // namespace jeton::agent
