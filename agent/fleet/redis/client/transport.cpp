#include "agent/fleet/redis/client/transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "agent/base/ascii.hpp"
#include "agent/fleet/redis/client/connecting.hpp"

namespace jeton::agent::redis {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class SocketTransport final : public Transport {
 public:
  SocketTransport(StreamSocket socket, bool tcp) : socket_(std::move(socket)), tcp_(tcp) {}

  Task<Received> read_some(std::span<char> into) override {
    error_code error;
    const auto size = co_await socket_.async_read_some(asio::buffer(into.data(), into.size()),
                                                       asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return Received(reason_of(error) + (heard_ || !tcp_ ? "" : hint));
    // Redis closes without a word; other servers send this alert.
    if (!heard_ && into[0] == tls_alert) co_return Received("the server speaks TLS on this port; write rediss://");
    heard_ = true;
    co_return Received(size);
  }

  // What the socket takes at once, nearly always all, needs no turn of the loop. The kernel reports an error once: a
  // second write would only find the pipe broken.
  Task<> write(std::string_view bytes) override {
    const ssize_t sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      throw TransportError(reason_of(error_code(errno, boost::system::system_category())));
    }
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (bytes.empty()) co_return;
    error_code error;
    co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) throw TransportError(reason_of(error));
  }

  void close() noexcept override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  static constexpr char tls_alert = '\x15';
  static constexpr const char* hint = " before it said anything; if it speaks TLS on this port, write rediss://";

  StreamSocket socket_;
  bool tcp_;
  bool heard_ = false;  // anything at all
};

void set_option(StreamSocket& socket, int level, int name, int value) {
  ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
}

// Small requests must not wait for each other. A peer that is gone is noticed within 15 s: the kernel asks it 9, 11 and
// 13 s after it was last heard, and gives up 2 s later. The user timeout gives up bytes of ours that the peer does not
// acknowledge, during which the kernel asks no questions, also if the command has a longer timeout. It is below 15 s,
// because the kernel judges by it, and not by the number of its questions, and does so only when the next one is due.
void set_tcp_options(StreamSocket& socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 9);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 2);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 14'000);
}

Task<StreamSocket> connect_to(Timers& timers, const StreamEndpoint& endpoint, BootTime deadline,
                              ConnectAttempt& attempt) {
  StreamSocket socket(timers.executor());
  error_code error;
  socket.open(endpoint.protocol(), error);
  if (error) throw TransportError(reason_of(error));
  const auto close = [&socket] {
    error_code ignored;
    socket.close(ignored);
  };
  const Abortable abortable(attempt, close);
  const Alarm alarm(timers, deadline, close);
  co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  if (alarm.fired()) throw TransportError("no connection in time");
  if (error) throw TransportError(reason_of(error));
  co_return socket;
}

StreamEndpoint endpoint_of(const Address& address) {
  try {
    if (address.kind == Address::Kind::unix_socket) return asio::local::stream_protocol::endpoint(address.path);
    return asio::ip::tcp::endpoint(asio::ip::make_address(address.host), address.port);
  } catch (const boost::system::system_error& e) {
    throw TransportError(reason_of(e.code()));  // the path is too long for a socket
  }
}

Task<std::unique_ptr<Transport>> open_transport(Timers& timers, Address address, TlsOptions tls, BootTime deadline,
                                                ConnectAttempt& attempt) {
  std::shared_ptr<asio::ssl::context> context;
  if (address.tls) context = std::make_shared<asio::ssl::context>(make_tls_context(tls));
  const StreamEndpoint endpoint = endpoint_of(address);
  const bool tcp = address.kind == Address::Kind::tcp;
  StreamSocket socket = co_await connect_to(timers, endpoint, deadline, attempt);
  if (tcp) set_tcp_options(socket);
  if (!context) co_return std::make_unique<SocketTransport>(std::move(socket), tcp);
  std::string name = tls.server_name.empty() ? address.host : tls.server_name;
  co_return co_await start_tls(timers, std::move(socket), std::move(context), std::move(name), deadline, attempt);
}

}  // namespace

std::string reason_of(const error_code& error) {
  return error == asio::error::eof ? "the server closed the connection" : uncapitalized(error.message());
}

std::string uncapitalized(std::string text) {
  if (!text.empty()) text[0] = ascii_lower(text[0]);
  return text;
}

std::string ConnectOptions::display(const Address& where) const {
  return where.display() + (where.kind == Address::Kind::unix_socket ? "?db=" : "/") + std::to_string(database);
}

Task<Connected> connect_transport(Timers& timers, Address address, TlsOptions tls, BootTime deadline,
                                  ConnectAttempt& attempt) {
  Connected connected;
  try {
    connected.transport = co_await open_transport(timers, std::move(address), std::move(tls), deadline, attempt);
  } catch (const TransportError& e) {
    connected.failure = e.what();
    connected.operator_must_act = dynamic_cast<const SetupError*>(&e) != nullptr;
  }
  co_return connected;
}

}  // namespace jeton::agent::redis
