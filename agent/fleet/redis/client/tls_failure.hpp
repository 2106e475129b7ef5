// Messages for failures of TLS, each with the action to take. Private to the TLS transport.
#pragma once

#include <openssl/types.h>

#include <boost/system/error_code.hpp>
#include <string>

namespace jeton::agent::redis {

// The problem with a server's certificate.
struct PeerProblem {
  int code = 0;         // X509_V_ERR_*; X509_V_OK: nothing
  std::string subject;  // of the certificate at fault
  std::string issuer;
  std::string names;  // the names in the certificate
  std::string valid_from;
  std::string valid_until;
};
[[nodiscard]] PeerProblem problem_of(X509_STORE_CTX* verifying);
// `name`: the name that the certificate must have.
[[nodiscard]] std::string describe(const PeerProblem& problem, const std::string& name);

// The message for a failed handshake, read or write.
[[nodiscard]] std::string tls_failure(const boost::system::error_code& error);

}  // namespace jeton::agent::redis
