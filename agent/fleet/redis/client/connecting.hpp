// The steps of a connect: a deadline that closes the transport being waited for, and TLS over a connected socket.
// Private to the transports, because the header is heavy.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

using StreamSocket = boost::asio::generic::stream_protocol::socket;
using StreamEndpoint = boost::asio::generic::stream_protocol::endpoint;

// The reason in words that fit into the middle of a message: "connection refused".
[[nodiscard]] std::string reason_of(const boost::system::error_code& error);

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

// With the authorities and the client certificate of this host, read from their files at every call. TLS 1.2 at least.
// Throws SetupError that names the file. (tls_context.cpp)
[[nodiscard]] boost::asio::ssl::context make_tls_context(const TlsOptions& options);

// A handshake that checks the identity of the server: its certificate must lead to a trusted authority and contain
// `name`, the requested host name or IP address; a host name is also sent as SNI. Each kind of failure has a message of
// its own that names the action to take.
Task<std::unique_ptr<Transport>> start_tls(Timers& timers, StreamSocket socket,
                                           std::shared_ptr<boost::asio::ssl::context> context, std::string name,
                                           BootTime deadline, ConnectAttempt& attempt);

}  // namespace jeton::agent::redis
