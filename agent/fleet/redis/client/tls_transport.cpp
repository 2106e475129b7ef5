// TLS over a connected socket (connecting.hpp), and the words for its failures.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <ctime>
#include <string_view>
#include <utility>

#include "agent/fleet/redis/client/connecting.hpp"

namespace jeton::agent::redis {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t max_names = 200;  // bytes of what a stranger put into his certificate

// A stranger's text in our log: visible ASCII only, and not too much.
std::string tame(std::string_view text) {
  std::string tamed;
  for (const char c : text.substr(0, max_names)) tamed += c >= ' ' && c <= '~' ? c : '?';
  return tamed;
}

std::string name_text(const X509_NAME* name) {
  std::unique_ptr<BIO, decltype(&::BIO_free_all)> bio(::BIO_new(::BIO_s_mem()), &::BIO_free_all);
  ::X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return tame({data, static_cast<std::size_t>(size)});
}

std::string time_text(const ASN1_TIME* time) {
  std::tm utc{};
  std::array<char, 32> text{};
  if (::ASN1_TIME_to_tm(time, &utc) != 1) return "?";
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text.data();
}

std::string string_text(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(::ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(::ASN1_STRING_length(text))};
}

std::string address_of(const ASN1_OCTET_STRING* bytes) {
  const auto* data = ::ASN1_STRING_get0_data(bytes);
  asio::ip::address_v4::bytes_type v4{};
  asio::ip::address_v6::bytes_type v6{};
  const auto size = static_cast<std::size_t>(::ASN1_STRING_length(bytes));
  if (size == v4.size()) {
    std::copy_n(data, size, v4.begin());
    return asio::ip::address_v4(v4).to_string();
  }
  if (size != v6.size()) return "?";
  std::copy_n(data, size, v6.begin());
  return asio::ip::address_v6(v6).to_string();
}

std::string names_of(const X509* certificate) {
  std::unique_ptr<GENERAL_NAMES, decltype(&::GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &::GENERAL_NAMES_free);
  std::string text;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (!text.empty()) text += ", ";
    text += name->type == GEN_DNS ? string_text(name->d.dNSName) : address_of(name->d.iPAddress);
  }
  return text.empty() ? name_text(::X509_get_subject_name(certificate)) : tame(text);
}

struct Known {
  int reason;
  const char* text;
};

// The server's alerts, and the errors that OpenSSL derives from its first bytes.
constexpr Known known_reasons[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the server does not speak TLS on this port; write redis:// or use its TLS port"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
     "the server demands a client certificate: set tls.cert_file and tls.key_file"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
     "the server refused the handshake; it may demand a client certificate (tls.cert_file and tls.key_file), or its "
     "TLS settings do not match ours"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA,
     "the server does not know the authority of our tls.cert_file; its own CA settings must include it"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the server refused our tls.cert_file"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
     "the server refused our tls.cert_file: not fit for a client; does it allow client authentication?"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the server says that our tls.cert_file has expired; renew it"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "the server says that our tls.cert_file is revoked; renew it"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the server refused our tls.cert_file"},
    {SSL_R_TLSV1_ALERT_DECRYPT_ERROR, "the server refused our tls.cert_file"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the server does not speak TLS 1.2 or newer; allow it there"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the server does not speak TLS 1.2 or newer; allow it there"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "the server does not know the name it was asked for; check tls.server_name"},
};

// The fault of the server's certificate. `name`: the name that it must bear.
std::string describe_problem(X509_STORE_CTX* verifying, const std::string& name) {
  const int code = ::X509_STORE_CTX_get_error(verifying);
  const X509* const certificate = ::X509_STORE_CTX_get_current_cert(verifying);
  const std::string subject = certificate == nullptr ? "" : name_text(::X509_get_subject_name(certificate));
  switch (certificate == nullptr ? X509_V_ERR_UNSPECIFIED : code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the server's certificate is for " + names_of(certificate) + " and not for " + name +
             "; check the endpoint, or set tls.server_name";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate of " + subject + " expired on " + time_text(::X509_get0_notAfter(certificate)) +
             "; renew it, or set this host's clock right";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate of " + subject + " is not valid before " + time_text(::X509_get0_notBefore(certificate)) +
             "; is this host's clock right?";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "the server's certificate comes from an unknown authority (" +
             name_text(::X509_get_issuer_name(certificate)) +
             "); put its certificate into tls.ca_file if it is to be trusted";
    default:
      return "the server's certificate was refused (" + subject + "): " + ::X509_verify_cert_error_string(code);
  }
}

// The message for a failed handshake, read or write.
std::string tls_failure(const error_code& error) {
  if (error == asio::ssl::error::stream_truncated) return reason_of(asio::error::eof);
  if (error.category() != asio::error::get_ssl_category()) return reason_of(error);
  const auto code = static_cast<unsigned long>(error.value());
  for (const Known& known : known_reasons) {
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == known.reason) return known.text;
  }
  return "TLS: " + tame(error.message());
}

constexpr const char* lost_alert =
    " before its first answer; it may refuse our tls.cert_file, or demand one: the log of the server says why";

class TlsTransport final : public Transport {
 public:
  TlsTransport(StreamSocket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  Task<Received> read_some(std::span<char> into) override {
    error_code error;
    const auto size = co_await stream_.async_read_some(asio::buffer(into.data(), into.size()),
                                                       asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return Received(failure(error));
    heard_ = true;
    co_return Received(size);
  }

  Task<> write(std::string_view bytes) override {
    error_code error;
    co_await asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) throw TransportError(failure(error));
  }

  // Does not send close_notify of TLS: the length of every reply is known, so a truncated stream is noticed without it.
  void close() noexcept override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }

  void expect(const std::string& name) {
    SSL* const session = stream_.native_handle();
    X509_VERIFY_PARAM* const wanted = ::SSL_get0_param(session);
    error_code not_an_address;
    asio::ip::make_address(name, not_an_address);
    bool set = false;
    if (not_an_address) {
      ::X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      set = ::X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size()) == 1 &&
            SSL_set_tlsext_host_name(session, name.c_str()) == 1;
    } else {
      set = ::X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1;
    }
    if (!set) throw SetupError("\"" + name + "\" is no name that a certificate can be checked for");
    stream_.set_verify_mode(asio::ssl::verify_peer);
  }

  asio::ssl::stream<StreamSocket>& stream() { return stream_; }

 private:
  // In TLS 1.3 a server judges our certificate when the handshake has ended for us. Where our first request reaches it
  // before it closes the connection, TCP resets the connection and its alert is lost.
  [[nodiscard]] std::string failure(const error_code& error) const {
    const bool alert = error.category() == asio::error::get_ssl_category();
    return tls_failure(error) + (heard_ || alert ? "" : lost_alert);
  }

  asio::ssl::stream<StreamSocket> stream_;
  bool heard_ = false;  // anything behind the handshake
};

}  // namespace

Task<std::unique_ptr<Transport>> start_tls(Timers& timers, StreamSocket socket,
                                           std::shared_ptr<asio::ssl::context> context, std::string name,
                                           BootTime deadline, ConnectAttempt& attempt) {
  auto transport = std::make_unique<TlsTransport>(std::move(socket), *context);
  transport->expect(name);
  std::string problem;
  transport->stream().set_verify_callback([&problem, &name](bool good, asio::ssl::verify_context& verifying) {
    if (!good) problem = describe_problem(verifying.native_handle(), name);
    return good;
  });
  const Abortable abortable(attempt, [&transport] { transport->close(); });
  const Alarm alarm(timers, deadline, [&transport] { transport->close(); });
  error_code error;
  co_await transport->stream().async_handshake(asio::ssl::stream_base::client,
                                               asio::redirect_error(asio::use_awaitable, error));
  if (alarm.fired()) {
    throw TransportError("no TLS handshake in time; does the server speak TLS on this port? If not, write redis://");
  }
  if (!problem.empty()) throw SetupError(problem);
  if (error) throw TransportError(tls_failure(error));
  // A renegotiation of TLS 1.2 must not use objects that end with this frame.
  transport->stream().set_verify_callback([](bool good, asio::ssl::verify_context&) { return good; });
  co_return transport;
}

}  // namespace jeton::agent::redis
