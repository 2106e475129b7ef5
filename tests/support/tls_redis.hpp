// A redis-server that speaks TLS, and the files a client needs for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/certificates.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::test {

// The files of an authority, with certificates for servers of these names.
class TlsFiles {
 public:
  explicit TlsFiles(std::vector<std::string> names) {
    const IssuedCertificate issued = authority_.issue({.names = std::move(names)});
    tls_ = {.ca_file = files_.write("ca.pem", authority_.pem()).string(),
            .cert_file = files_.write("server.pem", issued.certificate).string(),
            .key_file = files_.write("server.key", issued.key).string()};
  }
  [[nodiscard]] const ServerTls& tls() const { return tls_; }

 private:
  Authority authority_;
  TempDir files_;
  ServerTls tls_;
};

class TlsRedis {
 public:
  struct Options {
    CertificateTerms terms{.names = {"DNS:localhost", "IP:127.0.0.1"}};  // of the server's certificate
    bool demands_client_certificate = false;
    std::vector<std::string> extra{};  // arguments of redis-server
  };
  TlsRedis() : TlsRedis(Options{}) {}
  explicit TlsRedis(const Options& options) : server_(arguments(options)) {}

  [[nodiscard]] std::uint16_t port() const { return port_.port(); }
  [[nodiscard]] std::string url() const { return "rediss://127.0.0.1:" + std::to_string(port_.port()) + "/0"; }
  [[nodiscard]] const RedisServer& server() const { return server_; }
  [[nodiscard]] std::string file(std::string_view name) const { return (files / name).string(); }
  // Writes NAME.pem and NAME.key of a new certificate.
  void issue(const std::string& name, const CertificateTerms& terms) const {
    const IssuedCertificate issued = authority.issue(terms);
    files.write(name + ".pem", issued.certificate);
    files.write(name + ".key", issued.key);
  }

  Authority authority;
  TempDir files;  // ca.pem, server.pem, server.key

 private:
  std::vector<std::string> arguments(const Options& options) const {
    issue("server", options.terms);
    std::vector<std::string> arguments{"--tls-port",         std::to_string(port_.port()),
                                       "--tls-cert-file",    file("server.pem"),
                                       "--tls-key-file",     file("server.key"),
                                       "--tls-ca-cert-file", files.write("ca.pem", authority.pem()).string(),
                                       "--tls-auth-clients", options.demands_client_certificate ? "yes" : "no"};
    arguments.insert(arguments.end(), options.extra.begin(), options.extra.end());
    return arguments;
  }

  ReservedPort port_;
  RedisServer server_;
};

}  // namespace jeton::test
