// Other implementations accept our signatures: the openssl command line, and PyJWT.
#include "agent/jwt/jwt_signer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "agent/base/error.hpp"
#include "agent/jwt/base64url.hpp"
#include "tests/unit/jwt/jwt_keys.hpp"

namespace jeton::agent {
namespace {

using test::JwtKeys;
using test::run;
using testing::HasSubstr;
using testing::Not;

std::string claims() {
  const std::string now = std::to_string(std::time(nullptr));
  return R"({"iss":"jeton","iat":)" + now + R"(,"exp":)" + std::to_string(std::time(nullptr) + 3600) + "}";
}

std::string header(JwtAlgorithm algorithm) {
  return R"({"alg":")" + std::string(name_of(algorithm)) + R"(","typ":"JWT"})";
}

// What the constructor says of the key.
std::string complaint(JwtAlgorithm algorithm, std::string_view key) {
  try {
    const JwtSigner signer(algorithm, SecretString(key));
    return "nothing";
  } catch (const Error& e) {
    return e.what();
  }
}

class EveryAlgorithm : public testing::TestWithParam<JwtAlgorithm> {
 protected:
  const JwtKeys& keys = JwtKeys::shared();
  const JwtAlgorithm algorithm = GetParam();
  const SecretString token =
      JwtSigner(algorithm, SecretString(keys.private_key(algorithm))).sign(header(algorithm), claims());
};

INSTANTIATE_TEST_SUITE_P(JwtSigner, EveryAlgorithm,
                         testing::Values(JwtAlgorithm::hs256, JwtAlgorithm::rs256, JwtAlgorithm::ps256,
                                         JwtAlgorithm::es256, JwtAlgorithm::eddsa),
                         [](const auto& p) { return std::string(name_of(p.param)); });

// PyJWT does not know the name of RFC 9864 yet.
TEST(JwtSigner, AlgorithmIsCalledEd25519_SignsAsEdDsaDoes) {
  const JwtKeys& keys = JwtKeys::shared();
  const SecretString key(keys.private_key(JwtAlgorithm::ed25519));
  const JwtSigner signer(JwtAlgorithm::ed25519, key);
  const SecretString token = signer.sign(R"({"alg":"Ed25519"})", "{}");
  EXPECT_EQ(name_of(JwtAlgorithm::ed25519), "Ed25519");
  EXPECT_EQ(keys.verify_by_openssl(JwtAlgorithm::ed25519, token.reveal()).status, 0);
  EXPECT_EQ(token, JwtSigner(JwtAlgorithm::eddsa, key).sign(R"({"alg":"Ed25519"})", "{}"));
  EXPECT_THAT(complaint(JwtAlgorithm::ed25519, keys.private_key(JwtAlgorithm::es256)),
              HasSubstr("Ed25519 signs with an Ed25519 key"));
}

TEST_P(EveryAlgorithm, TokenIsSigned_PyJwtAcceptsIt) {
  const auto verified = keys.verify_by_pyjwt(algorithm, token.reveal());
  EXPECT_EQ(verified.status, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("\"iss\": \"jeton\""));
}

TEST_P(EveryAlgorithm, ClaimsAreChanged_PyJwtRefusesIt) {
  std::string text(token.reveal());
  const std::size_t dot = text.find('.');
  text.replace(dot + 1, text.find('.', dot + 1) - dot - 1,
               base64url_encode(R"({"iss":"mallory","iat":1,"exp":9999999999})"));
  EXPECT_THAT(keys.verify_by_pyjwt(algorithm, text).err, HasSubstr("InvalidSignatureError"));
}

TEST_P(EveryAlgorithm, TokenIsSigned_OpenSslAcceptsIt) {
  const auto verified = keys.verify_by_openssl(algorithm, token.reveal());
  EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
}

TEST_P(EveryAlgorithm, KeyIsAnother_OpenSslRefusesIt) {
  const JwtKeys others("another");
  EXPECT_EQ(others.verify_by_openssl(algorithm, token.reveal()).status, 1);
}

TEST(JwtSigner, KeyIsInAnOlderForm_IsAccepted) {
  const JwtKeys& keys = JwtKeys::shared();
  const auto converted = [&](std::vector<std::string> argv) {
    const auto made = run(std::move(argv));
    EXPECT_EQ(made.status, 0) << made.err;
    return made.out;
  };
  const std::string pkcs1 = converted({"openssl", "rsa", "-in", keys.file("rsa.pem"), "-traditional"});
  EXPECT_THAT(pkcs1, HasSubstr("BEGIN RSA PRIVATE KEY"));
  EXPECT_EQ(complaint(JwtAlgorithm::rs256, pkcs1), "nothing");
  const std::string sec1 = converted({"openssl", "ecparam", "-name", "prime256v1", "-genkey"});
  EXPECT_THAT(sec1, HasSubstr("BEGIN EC PARAMETERS"));
  EXPECT_EQ(complaint(JwtAlgorithm::es256, sec1), "nothing");
}

TEST(JwtSigner, Hs256SecretIsTooShort_IsRefused) {
  EXPECT_THAT(complaint(JwtAlgorithm::hs256, "a secret of thirty-one bytes..."),
              testing::AllOf(HasSubstr("at least 32 bytes; the key has 31"), Not(HasSubstr("thirty"))));
}

TEST(JwtSigner, Hs256KeyIsAPem_IsRefused) {
  EXPECT_THAT(complaint(JwtAlgorithm::hs256, JwtKeys::shared().private_key(JwtAlgorithm::rs256)),
              HasSubstr("the key is in PEM form"));
}

TEST(JwtSigner, RsaKeyIsTooSmall_IsRefused) {
  const auto small = run({"openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"});
  EXPECT_THAT(complaint(JwtAlgorithm::rs256, small.out), HasSubstr("at least 2048 bits; the key has 1024"));
  EXPECT_THAT(complaint(JwtAlgorithm::ps256, small.out), HasSubstr("PS256 needs"));
}

TEST(JwtSigner, KeyIsOfAnotherType_IsRefused) {
  const JwtKeys& keys = JwtKeys::shared();
  EXPECT_THAT(complaint(JwtAlgorithm::es256, keys.private_key(JwtAlgorithm::rs256)),
              HasSubstr("ES256 signs with an EC key on the curve P-256; the key is of type RSA"));
  EXPECT_THAT(complaint(JwtAlgorithm::rs256, keys.private_key(JwtAlgorithm::eddsa)), HasSubstr("type ED25519"));
  EXPECT_THAT(complaint(JwtAlgorithm::eddsa, keys.private_key(JwtAlgorithm::es256)), HasSubstr("type EC"));
  const auto p384 = run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"});
  EXPECT_THAT(complaint(JwtAlgorithm::es256, p384.out), HasSubstr("curve secp384r1"));
}

TEST(JwtSigner, KeyIsEncrypted_IsRefusedWithoutAPrompt) {
  const auto encrypted =
      run({"openssl", "genpkey", "-algorithm", "ED25519", "-aes-256-cbc", "-pass", "pass:passphrase"});
  EXPECT_THAT(complaint(JwtAlgorithm::eddsa, encrypted.out), HasSubstr("encrypted with a passphrase"));
}

TEST(JwtSigner, KeyIsNoPrivateKey_IsRefused) {
  const JwtKeys& keys = JwtKeys::shared();
  EXPECT_THAT(complaint(JwtAlgorithm::rs256, "just a secret"), HasSubstr("not in PEM form"));
  EXPECT_THAT(complaint(JwtAlgorithm::rs256, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
              HasSubstr("no private key"));
  const auto open = run({"openssl", "pkey", "-in", keys.file("rsa.pem"), "-pubout"});
  EXPECT_THAT(complaint(JwtAlgorithm::rs256, open.out), HasSubstr("no private key"));
}

}  // namespace
}  // namespace jeton::agent
