#include "agent/redis/transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <vector>

#include "agent/base/event.hpp"

namespace jeton::agent::redis {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using Endpoint = asio::generic::stream_protocol::endpoint;

std::string reason(const error_code& error) {
  if (error == asio::error::eof) return "the server closed the connection";
  std::string text = error.message();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// Runs an action at a deadline unless it dies before.
class Alarm {
 public:
  Alarm(Timers& timers, BootTime when, std::function<void()> action) : timers_(timers) {
    id_ = timers.schedule(when, [this, act = std::move(action)] {
      fired_ = true;
      act();
    });
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() {
    if (!fired_) timers_.cancel(id_);
  }
  [[nodiscard]] bool fired() const { return fired_; }

 private:
  Timers& timers_;
  Timers::Id id_ = 0;
  bool fired_ = false;
};

// Lends an attempt the way to abort what is being waited for.
class Abortable {
 public:
  Abortable(ConnectAttempt& attempt, std::function<void()> abort) : attempt_(attempt) {
    attempt_.abort = std::move(abort);
  }
  Abortable(const Abortable&) = delete;
  Abortable& operator=(const Abortable&) = delete;
  ~Abortable() { attempt_.abort = nullptr; }

 private:
  ConnectAttempt& attempt_;
};

class SocketTransport final : public Transport {
 public:
  explicit SocketTransport(const Executor& executor) : socket_(executor) {}

  Task<std::size_t> read_some(std::span<char> into) override {
    error_code error;
    const auto size = co_await socket_.async_read_some(asio::buffer(into.data(), into.size()),
                                                       asio::redirect_error(asio::use_awaitable, error));
    if (error) throw TransportError(reason(error));
    co_return size;
  }

  Task<> write(std::string_view bytes) override {
    error_code error;
    co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) throw TransportError(reason(error));
  }

  void close() noexcept override {
    error_code ignored;
    socket_.close(ignored);
  }

  Socket& socket() { return socket_; }

  // Small requests must not wait for each other, and a peer that vanished must be noticed even when we are quiet.
  void set_tcp_options() {
    set_option(IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set_option(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(IPPROTO_TCP, TCP_KEEPCNT, 3);
  }

 private:
  void set_option(int level, int name, int value) {
    ::setsockopt(socket_.native_handle(), level, name, &value, sizeof value);
  }

  Socket socket_;
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
  std::vector<Endpoint> endpoints;
};

Task<std::vector<Endpoint>> resolve(Timers& timers, const std::string& host, std::uint16_t port, BootTime deadline,
                                    ConnectAttempt& attempt) {
  error_code not_an_address;
  if (const auto address = asio::ip::make_address(host, not_an_address); !not_an_address) {
    co_return std::vector<Endpoint>{asio::ip::tcp::endpoint(address, port)};
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
  if (lookup->error) throw TransportError("the name cannot be resolved: " + reason(lookup->error));
  co_return lookup->endpoints;
}

Task<std::unique_ptr<Transport>> connect_to(Timers& timers, const Endpoint& endpoint, bool tcp, BootTime deadline,
                                            ConnectAttempt& attempt) {
  auto transport = std::make_unique<SocketTransport>(timers.executor());
  Socket& socket = transport->socket();
  error_code error;
  socket.open(endpoint.protocol(), error);
  if (error) throw TransportError(reason(error));
  const Abortable abortable(attempt, [&transport] { transport->close(); });
  const Alarm alarm(timers, deadline, [&transport] { transport->close(); });
  co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  if (alarm.fired()) throw TransportError("no connection in time");
  if (error) throw TransportError(reason(error));
  if (tcp) transport->set_tcp_options();
  co_return transport;
}

Endpoint unix_endpoint(const std::string& path) {
  try {
    return asio::local::stream_protocol::endpoint(path);
  } catch (const boost::system::system_error& e) {
    throw TransportError(reason(e.code()));  // the path is too long for a socket
  }
}

}  // namespace

std::string ConnectOptions::display(const Address& where) const {
  return where.display() + (where.kind == Address::Kind::unix_socket ? "?db=" : "/") + std::to_string(database);
}

Task<std::unique_ptr<Transport>> connect_transport(Timers& timers, Address address, BootTime deadline,
                                                   ConnectAttempt& attempt) {
  const bool tcp = address.kind == Address::Kind::tcp;
  std::vector<Endpoint> endpoints;
  if (tcp) {
    endpoints = co_await resolve(timers, address.host, address.port, deadline, attempt);
  } else {
    endpoints.push_back(unix_endpoint(address.path));
  }

  std::string last_reason = "the name has no address";
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    // An address that swallows packets may not eat the time of the ones behind it.
    const BootTime now = timers.clock().boot_now();
    const BootTime share = now + (deadline - now) / static_cast<Duration::rep>(endpoints.size() - i);
    try {
      co_return co_await connect_to(timers, endpoints[i], tcp, share, attempt);
    } catch (const TransportError& e) {
      last_reason = e.what();
    }
  }
  throw TransportError(last_reason);
}

}  // namespace jeton::agent::redis
