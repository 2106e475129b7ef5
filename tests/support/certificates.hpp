// A certificate authority of the test's own, and the certificates that it issues, as PEM texts: a test writes the files
// that it needs.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace jeton::test {

struct CertificateTerms {
  std::vector<std::string> names;          // "DNS:localhost", "IP:127.0.0.1"
  std::chrono::seconds valid_from{-3600};  // from now
  std::chrono::seconds valid_until{3600};
};

struct IssuedCertificate {
  std::string certificate;
  std::string key;
};

class Authority {
 public:
  explicit Authority(const std::string& name = "Test Authority");

  [[nodiscard]] std::string pem() const;
  [[nodiscard]] IssuedCertificate issue(const CertificateTerms& terms) const;

 private:
  std::string name_;
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace jeton::test
