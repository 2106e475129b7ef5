// The files of tls at loading: what no connection could use is an error, with its reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/certificates.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsFile : public ::testing::Test {
 protected:
  static std::string problems(const std::string& tls) {
    return all_texts(load_text("version: 1\ntokens:\n  t:\n    source:\n      type: http\n      url: https://h/\n"
                               "      tls: {" +
                               tls + "}\n")
                         .problems);
  }
  [[nodiscard]] std::string with_pair() const { return "cert_file: " + certificate_ + ", key_file: " + key_; }

  const TempDir dir_;
  const IssuedCertificate own_ = Authority().issue({});
  const std::string certificate_ = dir_.write("client.pem", own_.certificate).string();
  const std::string key_ = dir_.write("client.key", own_.key).string();
};

TEST_F(TlsFile, HasWhatItsKeyNeeds_IsNoProblem) {
  const std::string authorities = dir_.write("ca.pem", Authority().pem() + Authority("Other").pem()).string();
  EXPECT_EQ(problems("ca_file: " + authorities + ", " + with_pair()), "");
}

TEST_F(TlsFile, CannotBeUsed_IsAnErrorWithItsReason) {
  for (const std::string& content : {std::string(), std::string("text"), own_.key, own_.certificate.substr(0, 200)}) {
    const std::string file = dir_.write("broken.pem", content).string();
    EXPECT_THAT(problems("ca_file: " + file),
                AllOf(HasSubstr("agent.yaml:7:22: error: " + file), HasSubstr("no certificate in PEM")));
    EXPECT_THAT(problems("cert_file: " + file + ", key_file: " + key_),
                AllOf(HasSubstr("error: " + file), HasSubstr("no certificate in PEM")));
  }
  const std::string file = dir_.write("broken.key", own_.certificate).string();
  EXPECT_THAT(problems("cert_file: " + certificate_ + ", key_file: " + file),
              AllOf(HasSubstr("error: " + file), HasSubstr("no private key in PEM")));
}

TEST_F(TlsFile, KeyHasAPassphrase_ErrorSaysSo) {
  const auto encrypted = run({"openssl", "pkcs8", "-topk8", "-in", key_, "-passout", "pass:secret"});
  ASSERT_EQ(encrypted.status, 0) << encrypted.err;
  dir_.write("client.key", encrypted.out);
  EXPECT_THAT(problems(with_pair()), AllOf(HasSubstr("error: " + key_), HasSubstr("encrypted with a passphrase")));
}

// A warning: a program that renews them replaces one after the other.
TEST_F(TlsFile, KeyIsOfAnotherCertificate_IsWarnedOf) {
  dir_.write("client.key", Authority().issue({}).key);
  EXPECT_THAT(problems(with_pair()),
              AllOf(HasSubstr("warning: " + key_ + " is not the key"), HasSubstr("certificate " + certificate_)));
}

}  // namespace
}  // namespace jeton::test
