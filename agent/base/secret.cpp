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

void wipe_registers() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx")) {
    asm volatile("vzeroall" ::
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                       "xmm12", "xmm13", "xmm14", "xmm15");
  }
  // The compiler does not use these in a build for plain x86-64, so there is nothing to declare; libc does.
  if (__builtin_cpu_supports("avx512f")) {
    asm volatile(
        "vpxorq %zmm16, %zmm16, %zmm16\n\tvpxorq %zmm17, %zmm17, %zmm17\n\tvpxorq %zmm18, %zmm18, %zmm18\n\t"
        "vpxorq %zmm19, %zmm19, %zmm19\n\tvpxorq %zmm20, %zmm20, %zmm20\n\tvpxorq %zmm21, %zmm21, %zmm21\n\t"
        "vpxorq %zmm22, %zmm22, %zmm22\n\tvpxorq %zmm23, %zmm23, %zmm23\n\tvpxorq %zmm24, %zmm24, %zmm24\n\t"
        "vpxorq %zmm25, %zmm25, %zmm25\n\tvpxorq %zmm26, %zmm26, %zmm26\n\tvpxorq %zmm27, %zmm27, %zmm27\n\t"
        "vpxorq %zmm28, %zmm28, %zmm28\n\tvpxorq %zmm29, %zmm29, %zmm29\n\tvpxorq %zmm30, %zmm30, %zmm30\n\t"
        "vpxorq %zmm31, %zmm31, %zmm31");
  }
#endif
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

SecretString null_terminated(std::string_view text) {
  constexpr char end = '\0';
  SecretString out;
  out.reserve(text.size() + 1);
  out.append(text);
  out.append({&end, 1});
  return out;
}

}  // namespace jeton::agent
