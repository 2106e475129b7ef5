#include "agent/fleet/redis/client/tls_transport.hpp"

#include <openssl/ssl.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "agent/fleet/redis/client/tls_failure.hpp"

namespace jeton::agent::redis {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr const char* lost_alert =
    " before its first answer; it may refuse our tls.cert_file, or demand one: the log of the server says why";

class TlsTransport final : public Transport {
 public:
  TlsTransport(StreamSocket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  Task<std::size_t> read_some(std::span<char> into) override {
    error_code error;
    const auto size = co_await stream_.async_read_some(asio::buffer(into.data(), into.size()),
                                                       asio::redirect_error(asio::use_awaitable, error));
    if (error) throw TransportError(failure(error));
    heard_ = true;
    co_return size;
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
  PeerProblem problem;
  transport->stream().set_verify_callback([&problem](bool good, asio::ssl::verify_context& verifying) {
    if (!good) problem = problem_of(verifying.native_handle());
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
  if (problem.code != X509_V_OK) throw SetupError(describe(problem, name));
  if (error) throw TransportError(tls_failure(error));
  // A renegotiation of TLS 1.2 must not use objects that end with this frame.
  transport->stream().set_verify_callback([](bool good, asio::ssl::verify_context&) { return good; });
  co_return transport;
}

}  // namespace jeton::agent::redis
