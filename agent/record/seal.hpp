// Seal: keeps a record secret and unforged in a store that others can read or write (agent/README.md, The protocol in
// Redis).
//
// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, libsodium) under a random 192-bit nonce; the name of the token, its
// generation and its expiry are associated data, so a sealed record cannot serve as one of another token, or be
// passed off as newer or longer-lived. The first key seals and signs, all open and verify. Immutable: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// The token, the generation and the expiry to which a sealed record is bound.
struct SealedFor {
  std::string name;
  std::uint64_t generation = 0;
  std::int64_t expires_at_ms = 0;
};

struct SealedBox {
  std::string key_id;  // first 8 hex digits of the SHA-256 of the key
  std::string nonce;   // base64
  std::string box;     // base64: ciphertext and tag
};

class Seal {
 public:
  // Each key as in a key file: "jeton-seal-1:" and 32 bytes in base64. At least one. Throws Error that names the wrong
  // one by its number, from 1.
  explicit Seal(const std::vector<SecretString>& keys);

  [[nodiscard]] SealedBox seal(std::string_view text, const SealedFor& what) const;
  // Throws Error if the box is sealed with a key that is missing here, was changed on the way, or belongs to another
  // token or record.
  [[nodiscard]] SecretString open(const SealedBox& box, const SealedFor& what) const;

  // Authenticates a text that is not secret, for the token of this name: keyed BLAKE2b (RFC 7693).
  struct Signature {
    std::string key_id;
    std::string mac;  // base64
  };
  [[nodiscard]] Signature sign(std::string_view text, const std::string& name) const;
  [[nodiscard]] bool has_signed(const Signature& signature, std::string_view text, const std::string& name) const;

  // The content of a key file. Random from the operating system.
  [[nodiscard]] static SecretString new_key();

 private:
  struct Key {
    std::string id;
    SecretString bytes;
  };
  [[nodiscard]] const Key* find(const std::string& id) const;

  std::vector<Key> keys_;
};

}  // namespace jeton::agent
