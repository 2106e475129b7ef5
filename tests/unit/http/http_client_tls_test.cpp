// A certificate that nobody vouches for ends the connection before anything is sent.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <memory>
#include <stdexcept>
#include <thread>

#include "agent/base/unique_fd.hpp"
#include "agent/http/http_client.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent {
namespace {

template <typename T, void (*f)(T*)>
struct Free {
  void operator()(T* p) const { f(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, &EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509, &X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX, &SSL_CTX_free>>;

Certificate self_signed(EVP_PKEY* key) {
  Certificate certificate(::X509_new());
  ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), -3600);
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), 3600);
  ::X509_set_pubkey(certificate.get(), key);
  X509_NAME* const name = ::X509_get_subject_name(certificate.get());
  ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                               0);
  ::X509_set_issuer_name(certificate.get(), name);
  ::X509_sign(certificate.get(), key, ::EVP_sha256());
  return certificate;
}

// Takes one connection and says whether anything but the handshake came over it.
class TlsServer {
 public:
  TlsServer()
      : key_(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")), context_(::SSL_CTX_new(::TLS_server_method())) {
    const Certificate certificate = self_signed(key_.get());
    ::SSL_CTX_use_certificate(context_.get(), certificate.get());
    ::SSL_CTX_use_PrivateKey(context_.get(), key_.get());
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_.get(), 8) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() { join(); }

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] bool received_anything() {
    join();
    return received_;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  void serve() {
    const UniqueFd socket(::accept(listener_.get(), nullptr, nullptr));
    SSL* const ssl = ::SSL_new(context_.get());
    ::SSL_set_fd(ssl, socket.get());
    char byte = 0;
    received_ = ::SSL_accept(ssl) == 1 && ::SSL_read(ssl, &byte, 1) == 1;
    ::SSL_free(ssl);
  }

  Key key_;
  Context context_;
  UniqueFd listener_;
  int port_ = 0;
  bool received_ = false;
  std::thread thread_;
};

TEST(HttpClientTls, CertificateIsUntrusted_IsRefusedBeforeAnythingIsSent) {
  TlsServer server;
  test::Loop loop;
  HttpClient client;
  HttpRequest request;
  request.display = "https://localhost:" + std::to_string(server.port()) + "/token";
  request.url = SecretString(request.display + "?key=s3cr3t");
  request.timeout = std::chrono::seconds{20};
  try {
    static_cast<void>(loop.run(client.perform(std::move(request))));
    ADD_FAILURE() << "an untrusted certificate was accepted";
  } catch (const HttpError& e) {
    EXPECT_EQ(e.reason(), HttpError::Reason::tls);
    EXPECT_THAT(e.what(), ::testing::HasSubstr("certificate"));
    EXPECT_THAT(e.what(), ::testing::Not(::testing::HasSubstr("s3cr3t")));
  }
  EXPECT_FALSE(server.received_anything());
}

}  // namespace
}  // namespace jeton::agent
