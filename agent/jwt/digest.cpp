#include "agent/jwt/digest.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <string>
#include <vector>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

using Bytes = std::array<unsigned char, EVP_MAX_MD_SIZE>;

const EVP_MD* method(Digest digest) {
  switch (digest) {
    case Digest::md5:
      return EVP_md5();
    case Digest::sha1:
      return EVP_sha1();
    case Digest::sha256:
      return EVP_sha256();
    case Digest::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

// `done`: whether OpenSSL did it. A policy of the host may forbid MD5.
SecretString taken(Bytes& bytes, unsigned length, bool done, const char* what) {
  if (!done) {
    ERR_clear_error();
    throw Error(std::string(what) + " failed; does this host's OpenSSL allow it?");
  }
  SecretString result({reinterpret_cast<const char*>(bytes.data()), length});
  wipe(bytes.data(), bytes.size());
  return result;
}

}  // namespace

SecretString digest_of(Digest digest, std::string_view text) {
  Bytes bytes{};
  unsigned length = 0;
  const bool done = EVP_Digest(text.data(), text.size(), bytes.data(), &length, method(digest), nullptr) == 1;
  return taken(bytes, length, done, "the digest");
}

SecretString hmac_of(Digest digest, const SecretString& key, std::string_view text) {
  Bytes bytes{};
  unsigned length = 0;
  const bool done =
      HMAC(method(digest), key.reveal().data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(), &length) != nullptr;
  return taken(bytes, length, done, "HMAC");
}

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
