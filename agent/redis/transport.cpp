#include "agent/redis/transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/redis/connecting.hpp"
#include "agent/redis/tls_context.hpp"
#include "agent/redis/tls_transport.hpp"

namespace jeton::agent::redis {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class SocketTransport final : public Transport {
 public:
  SocketTransport(StreamSocket socket, bool tcp) : socket_(std::move(socket)), tcp_(tcp) {}

  Task<std::size_t> read_some(std::span<char> into) override {
    error_code error;
    const auto size = co_await socket_.async_read_some(asio::buffer(into.data(), into.size()),
                                                       asio::redirect_error(asio::use_awaitable, error));
    if (error) throw TransportError(reason_of(error) + (heard_ ? "" : hint()));
    // Redis closes without a word; other servers send this alert.
    if (!heard_ && into[0] == tls_alert) throw TransportError("the server speaks TLS on this port; write rediss://");
    heard_ = true;
    co_return size;
  }

  Task<> write(std::string_view bytes) override {
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

  [[nodiscard]] std::string hint() const {
    return tcp_ ? " before it said anything; if it speaks TLS on this port, write rediss://" : "";
  }

  StreamSocket socket_;
  bool tcp_;
  bool heard_ = false;  // anything at all
};

// getaddrinfo runs on a thread of Asio's and cannot be interrupted: at the deadline it is left to itself, so what it
// writes to is shared with it.
struct Lookup {
  explicit Lookup(Timers& timers) : done(timers), resolver(timers.executor()) {}
  Event done;
  asio::ip::tcp::resolver resolver;
  bool finished = false;
  bool aborted = false;
  error_code error;
  std::vector<StreamEndpoint> endpoints;
};

Task<std::vector<StreamEndpoint>> resolve(Timers& timers, const std::string& host, std::uint16_t port,
                                          BootTime deadline, ConnectAttempt& attempt) {
  error_code not_an_address;
  if (const auto address = asio::ip::make_address(host, not_an_address); !not_an_address) {
    co_return std::vector<StreamEndpoint>{asio::ip::tcp::endpoint(address, port)};
  }
  auto lookup = std::make_shared<Lookup>(timers);
  lookup->resolver.async_resolve(host, std::to_string(port),
                                 [lookup](const error_code& error, const asio::ip::tcp::resolver::results_type& found) {
                                   lookup->finished = true;
                                   lookup->error = error;
                                   for (const auto& entry : found) lookup->endpoints.emplace_back(entry.endpoint());
                                   lookup->done.notify();
                                 });
  const Abortable abortable(attempt, [lookup] {
    lookup->aborted = true;
    lookup->done.notify();
  });
  bool in_time = true;
  while (!lookup->finished && !lookup->aborted && in_time) in_time = co_await lookup->done.wait_until(deadline);
  if (!lookup->finished) throw TransportError("the name was not resolved in time");
  if (lookup->error) throw TransportError("the name cannot be resolved: " + reason_of(lookup->error));
  co_return lookup->endpoints;
}

void set_option(StreamSocket& socket, int level, int name, int value) {
  ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
}

// Small requests must not wait for each other, and a peer that vanished must be noticed even when we are quiet.
void set_tcp_options(StreamSocket& socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
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

// `tls`: null for plain text.
Task<std::unique_ptr<Transport>> open_transport(Timers& timers, const StreamEndpoint& endpoint, const Address& address,
                                                const std::string& server_name, std::shared_ptr<asio::ssl::context> tls,
                                                BootTime deadline, ConnectAttempt& attempt) {
  const bool tcp = address.kind == Address::Kind::tcp;
  StreamSocket socket = co_await connect_to(timers, endpoint, deadline, attempt);
  if (tcp) set_tcp_options(socket);
  if (!tls) co_return std::make_unique<SocketTransport>(std::move(socket), tcp);
  std::string name = server_name.empty() ? address.host : server_name;
  co_return co_await start_tls(timers, std::move(socket), std::move(tls), std::move(name), deadline, attempt);
}

StreamEndpoint unix_endpoint(const std::string& path) {
  try {
    return asio::local::stream_protocol::endpoint(path);
  } catch (const boost::system::system_error& e) {
    throw TransportError(reason_of(e.code()));  // the path is too long for a socket
  }
}

}  // namespace

std::string reason_of(const error_code& error) {
  if (error == asio::error::eof) return "the server closed the connection";
  std::string text = error.message();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

std::string ConnectOptions::display(const Address& where) const {
  return where.display() + (where.kind == Address::Kind::unix_socket ? "?db=" : "/") + std::to_string(database);
}

Task<std::unique_ptr<Transport>> connect_transport(Timers& timers, Address address, TlsOptions tls, BootTime deadline,
                                                   ConnectAttempt& attempt) {
  std::shared_ptr<asio::ssl::context> context;
  if (address.tls) context = std::make_shared<asio::ssl::context>(make_tls_context(tls));
  std::vector<StreamEndpoint> endpoints;
  if (address.kind == Address::Kind::tcp) {
    endpoints = co_await resolve(timers, address.host, address.port, deadline, attempt);
  } else {
    endpoints.push_back(unix_endpoint(address.path));
  }

  std::string last_reason = "the name has no address";
  std::string setup_reason;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    // An address that swallows packets may not eat the time of the ones behind it.
    const BootTime now = timers.clock().boot_now();
    const BootTime share = now + (deadline - now) / static_cast<Duration::rep>(endpoints.size() - i);
    try {
      co_return co_await open_transport(timers, endpoints[i], address, tls.server_name, context, share, attempt);
    } catch (const SetupError& e) {
      setup_reason = e.what();
    } catch (const TransportError& e) {
      last_reason = e.what();
    }
  }
  // Where one address of a name is not reachable and another is not set up well, the latter is worth telling.
  if (!setup_reason.empty()) throw SetupError(setup_reason);
  throw TransportError(last_reason);
}

}  // namespace jeton::agent::redis
