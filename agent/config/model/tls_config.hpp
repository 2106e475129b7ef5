// The agent's settings as a TLS client. Files are read at every connect, so that a renewed certificate is used by the
// next one.
#pragma once

#include <filesystem>
#include <string>

namespace jeton::agent {

struct ClientTlsConfig {
  std::filesystem::path ca_file;    // empty: the system's authorities
  std::filesystem::path cert_file;  // empty: no client certificate
  std::filesystem::path key_file;   // set if and only if cert_file is
  bool operator==(const ClientTlsConfig&) const = default;
};

// Connections to Redis: the address of a server may not be a name in its certificate.
struct TlsConfig : ClientTlsConfig {
  std::string server_name;  // for SNI and the check of the certificate; empty: the host of the endpoint
  bool operator==(const TlsConfig&) const = default;
};

}  // namespace jeton::agent
