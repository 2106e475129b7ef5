#include "agent/jwt/jwt_signer.hpp"

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/jwt/base64url.hpp"
#include "agent/jwt/digest.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t smallest_hs256_key = 32;  // bytes; RFC 7518 section 3.2
constexpr int smallest_rsa_key = 2048;          // bits; RFC 7518 section 3.3
constexpr std::size_t es256_half = 32;          // bytes of r and of s

template <auto function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

// Takes the errors of OpenSSL from its queue, so that the next user of OpenSSL on this thread does not find them.
// Its reasons name algorithms and formats, never the key.
[[noreturn]] void refuse(const std::string& what) {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  throw Error(reason == nullptr ? what : what + " (OpenSSL: " + reason + ")");
}

// Asked for the passphrase: there is none, and OpenSSL must not ask on the terminal.
int note_encryption(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

PrivateKey read_pem(const SecretString& key) {
  if (key.reveal().find("-----BEGIN ") == std::string_view::npos)
    throw Error("the key is not in PEM form (-----BEGIN PRIVATE KEY-----); convert it with openssl pkey");
  const std::unique_ptr<BIO, Free<BIO_free_all>> bio(
      BIO_new_mem_buf(key.reveal().data(), static_cast<int>(key.size())));
  if (!bio) refuse("the key cannot be read");
  bool asked = false;
  PrivateKey result(PEM_read_bio_PrivateKey(bio.get(), nullptr, note_encryption, &asked));
  if (!result && asked) {
    ERR_clear_error();
    throw Error("the key is encrypted with a passphrase; decrypt it with openssl pkey, and keep the file at mode 0600");
  }
  if (!result) refuse("the PEM holds no private key that can be read");
  ERR_clear_error();
  return result;
}

bool is_ed25519(JwtAlgorithm algorithm) {
  return algorithm == JwtAlgorithm::eddsa || algorithm == JwtAlgorithm::ed25519;
}

// The kind of key that `algorithm` needs, for messages.
const char* key_for(JwtAlgorithm algorithm) {
  if (is_ed25519(algorithm)) return "an Ed25519 key";
  return algorithm == JwtAlgorithm::es256 ? "an EC key on the curve P-256" : "an RSA key";
}

std::string group_of(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &length) != 1) return {};
  return {name.data(), length};
}

bool suits(JwtAlgorithm algorithm, const EVP_PKEY* key) {
  const auto is_a = [key](const char* type) { return EVP_PKEY_is_a(key, type) == 1; };
  if (is_ed25519(algorithm)) return is_a("ED25519");
  if (algorithm == JwtAlgorithm::es256) return is_a("EC") && group_of(key) == "prime256v1";
  return is_a("RSA") || (algorithm == JwtAlgorithm::ps256 && is_a("RSA-PSS"));
}

// EVP gives an ASN.1 sequence, JWS wants r and s side by side (RFC 7518 section 3.4).
std::string raw_ecdsa(const std::vector<unsigned char>& der) {
  const unsigned char* at = der.data();
  const std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>> signature(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::array<unsigned char, 2 * es256_half> raw{};
  constexpr int half = es256_half;
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), half) != half ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + es256_half, half) != half) {
    refuse("the ECDSA signature cannot be written");
  }
  return {raw.begin(), raw.end()};
}

std::string signature_by(JwtAlgorithm algorithm, EVP_PKEY* key, std::string_view text) {
  const std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;                                     // owned by the context
  const EVP_MD* digest = is_ed25519(algorithm) ? nullptr : EVP_sha256();  // Ed25519 brings its own
  if (!context || EVP_DigestSignInit(context.get(), &parameters, digest, nullptr, key) != 1) refuse("cannot sign");
  if (algorithm == JwtAlgorithm::ps256 && (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
                                           EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) != 1 ||
                                           EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    refuse("cannot sign with PS256");
  }
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t length = 0;
  if (EVP_DigestSign(context.get(), nullptr, &length, data, text.size()) != 1) refuse("cannot sign");
  std::vector<unsigned char> signature(length);
  if (EVP_DigestSign(context.get(), signature.data(), &length, data, text.size()) != 1) refuse("cannot sign");
  signature.resize(length);
  return algorithm == JwtAlgorithm::es256 ? raw_ecdsa(signature) : std::string(signature.begin(), signature.end());
}

}  // namespace

struct JwtSigner::Key {
  JwtAlgorithm algorithm;
  SecretString secret;  // hs256
  PrivateKey pem;       // the others
};

std::string_view name_of(JwtAlgorithm algorithm) {
  const auto is = [algorithm](const auto& entry) { return entry.second == algorithm; };
  return std::find_if(jwt_algorithms.begin(), jwt_algorithms.end(), is)->first;
}

JwtSigner::JwtSigner(JwtAlgorithm algorithm, const SecretString& key) {
  const std::string name(name_of(algorithm));
  if (algorithm == JwtAlgorithm::hs256) {
    if (key.reveal().find("-----BEGIN ") != std::string_view::npos)
      throw Error("HS256 signs with a shared secret, but the key is in PEM form; set RS256, PS256, ES256 or EdDSA");
    if (key.size() < smallest_hs256_key) {
      throw Error("HS256 needs a secret of at least 32 bytes; the key has " + std::to_string(key.size()));
    }
    key_ = std::make_unique<const Key>(Key{algorithm, key, nullptr});
    return;
  }
  PrivateKey pem = read_pem(key);
  if (!suits(algorithm, pem.get())) {
    const char* type = EVP_PKEY_get0_type_name(pem.get());
    const std::string group = group_of(pem.get());
    throw Error(name + " signs with " + key_for(algorithm) + "; the key is of type " +
                (type == nullptr ? "unknown" : type) + (group.empty() ? "" : ", curve " + group));
  }
  const bool is_rsa = algorithm == JwtAlgorithm::rs256 || algorithm == JwtAlgorithm::ps256;
  if (is_rsa && EVP_PKEY_get_bits(pem.get()) < smallest_rsa_key) {
    throw Error(name + " needs an RSA key of at least 2048 bits; the key has " +
                std::to_string(EVP_PKEY_get_bits(pem.get())));
  }
  key_ = std::make_unique<const Key>(Key{algorithm, SecretString(), std::move(pem)});
}

JwtSigner::~JwtSigner() = default;

SecretString JwtSigner::sign(std::string_view header, std::string_view claims) const {
  const std::string signed_part = base64url_encode(header) + "." + base64url_encode(claims);
  const SecretString bytes = signature(signed_part);
  SecretString token;
  token.reserve(signed_part.size() + 1 + bytes.size() * 2);
  token.append(signed_part);
  token.append(".");
  token.append(base64url_encode(bytes.reveal()));
  return token;
}

SecretString JwtSigner::signature(std::string_view text) const {
  if (key_->algorithm == JwtAlgorithm::hs256) return hmac_of(Digest::sha256, key_->secret, text);
  return SecretString(signature_by(key_->algorithm, key_->pem.get(), text));
}

}  // namespace jeton::agent
