#include "agent/record/seal.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

constexpr std::string_view key_prefix = "jeton-seal-1:";
constexpr int base64 = sodium_base64_VARIANT_ORIGINAL;
constexpr std::size_t key_size = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;

using Bytes = std::vector<unsigned char, WipingAllocator<unsigned char>>;

void start_sodium() {
  if (::sodium_init() < 0) throw Error("libsodium cannot be used: it has no source of random bytes");
}

const unsigned char* data_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string encode(const unsigned char* bytes, std::size_t size) {
  std::string text(sodium_base64_encoded_len(size, base64), '\0');
  ::sodium_bin2base64(text.data(), text.size(), bytes, size, base64);
  text.pop_back();  // the NUL
  return text;
}

// Empty if it is not base64 or too long.
Bytes decode(std::string_view text, std::size_t limit) {
  Bytes bytes(limit);
  std::size_t size = 0;
  if (::sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr, base64) != 0) {
    return {};
  }
  bytes.resize(size);
  return bytes;
}

// Unambiguous: a name holds no NUL, and the numbers come behind it.
std::string associated_data(const SealedFor& what) {
  std::string text = "jeton record 1";
  text += '\0';
  text += what.name;
  text += '\0';
  text += std::to_string(what.generation) + " " + std::to_string(what.expires_at_ms);
  return text;
}

using Mac = std::array<unsigned char, crypto_generichash_BYTES>;

Mac mac_of(std::string_view text, const std::string& name, const SecretString& key) {
  std::string signed_text = "jeton message 1";
  signed_text += '\0';
  signed_text += name;
  signed_text += '\0';
  signed_text += text;
  Mac mac{};
  const std::string_view bytes = key.reveal();
  ::crypto_generichash(mac.data(), mac.size(), data_of(signed_text), signed_text.size(), data_of(bytes), bytes.size());
  return mac;
}

}  // namespace

Seal::Seal(const std::vector<SecretString>& keys) {
  start_sodium();
  if (keys.empty()) throw Error("no key to seal with");
  for (const SecretString& text : keys) {
    const std::string_view line = text.reveal();
    Bytes bytes;
    if (line.starts_with(key_prefix)) bytes = decode(line.substr(key_prefix.size()), key_size);
    if (bytes.size() != key_size) {
      throw Error("seal key " + std::to_string(keys_.size() + 1) +
                  " is not a key; make one with jeton-agent keygen and copy the whole file");
    }
    SecretString raw(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    keys_.push_back({raw.fingerprint(), std::move(raw)});
  }
}

SealedBox Seal::seal(std::string_view text, const SealedFor& what) const {
  std::array<unsigned char, nonce_size> nonce{};
  ::randombytes_buf(nonce.data(), nonce.size());
  const std::string bound = associated_data(what);
  std::vector<unsigned char> box(text.size() + tag_size);
  unsigned long long size = 0;
  ::crypto_aead_xchacha20poly1305_ietf_encrypt(box.data(), &size, data_of(text), text.size(), data_of(bound),
                                               bound.size(), nullptr, nonce.data(),
                                               data_of(keys_.front().bytes.reveal()));
  return {keys_.front().id, encode(nonce.data(), nonce.size()), encode(box.data(), static_cast<std::size_t>(size))};
}

SecretString Seal::open(const SealedBox& sealed, const SealedFor& what) const {
  const Key* key = find(sealed.key_id);
  if (key == nullptr) {
    throw Error("record is sealed with a key that this host does not have; see coordination.seal.key_files");
  }
  const Bytes nonce = decode(sealed.nonce, nonce_size);
  const Bytes box = decode(sealed.box, sealed.box.size());
  const std::string bound = associated_data(what);
  Bytes text(std::max(box.size(), tag_size) - tag_size);
  unsigned long long size = 0;
  const bool opened =
      nonce.size() == nonce_size && box.size() >= tag_size &&
      ::crypto_aead_xchacha20poly1305_ietf_decrypt(text.data(), &size, nullptr, box.data(), box.size(), data_of(bound),
                                                   bound.size(), nonce.data(), data_of(key->bytes.reveal())) == 0;
  if (!opened)
    throw Error(
        "sealed record was changed, or belongs to another token or generation; check which clients write to Redis");
  return SecretString(std::string_view(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)));
}

const Seal::Key* Seal::find(const std::string& id) const {
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& k) { return k.id == id; });
  return key == keys_.end() ? nullptr : &*key;
}

Seal::Signature Seal::sign(std::string_view text, const std::string& name) const {
  const Key& key = keys_.front();
  const Mac mac = mac_of(text, name, key.bytes);
  return {key.id, encode(mac.data(), mac.size())};
}

bool Seal::has_signed(const Signature& signature, std::string_view text, const std::string& name) const {
  const Key* key = find(signature.key_id);
  if (key == nullptr) return false;
  const Mac mac = mac_of(text, name, key->bytes);
  const Bytes claimed = decode(signature.mac, mac.size());
  return claimed.size() == mac.size() && ::sodium_memcmp(claimed.data(), mac.data(), mac.size()) == 0;
}

SecretString Seal::new_key() {
  start_sodium();
  Bytes bytes(key_size);
  ::randombytes_buf(bytes.data(), bytes.size());
  std::string encoded = encode(bytes.data(), bytes.size());
  SecretString text(key_prefix);
  text.append(encoded);
  wipe(encoded);
  return text;
}

}  // namespace jeton::agent
