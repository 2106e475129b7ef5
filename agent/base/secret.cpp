#include "agent/base/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>  // explicit_bzero is not in <cstring>

#include <array>
#include <cstdio>

namespace jeton::agent {

void wipe(void* data, std::size_t size) noexcept {
  if (size > 0) ::explicit_bzero(data, size);
}

std::string SecretString::fingerprint() const {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size(), digest.data());
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
  return text.data();
}

bool operator==(const SecretString& a, const SecretString& b) noexcept {
  return a.size() == b.size() && (a.empty() || ::CRYPTO_memcmp(a.bytes_.data(), b.bytes_.data(), a.size()) == 0);
}

}  // namespace jeton::agent
