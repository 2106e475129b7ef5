// Why TLS failed, in words that say what to do. Private to the TLS transport.
#pragma once

#include <openssl/types.h>

#include <boost/system/error_code.hpp>
#include <string>

namespace jeton::agent::redis {

// What is wrong with a server's certificate.
struct PeerProblem {
  int code = 0;         // X509_V_ERR_*; X509_V_OK: nothing
  std::string subject;  // of the certificate at fault
  std::string issuer;
  std::string names;  // that it bears
  std::string valid_from;
  std::string valid_until;
};
[[nodiscard]] PeerProblem problem_of(X509_STORE_CTX* verifying);
// `name`: what the certificate should have borne.
[[nodiscard]] std::string describe(const PeerProblem& problem, const std::string& name);

// Of a handshake, a read or a write.
[[nodiscard]] std::string tls_failure(const boost::system::error_code& error);

}  // namespace jeton::agent::redis
