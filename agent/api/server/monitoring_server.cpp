#include "agent/api/server/monitoring_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "agent/api/page/page_routes.hpp"
#include "agent/api/peer.hpp"
#include "agent/api/server/connection.hpp"
#include "agent/api/server/connection_room.hpp"
#include "agent/api/server/host_header.hpp"
#include "agent/api/server/listener.hpp"
#include "agent/api/server/routes.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/log_pace.hpp"

namespace jeton::agent {
namespace {

void switch_on(const UniqueFd& socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket.get(), level, option, &on, sizeof on);
}

std::string what_to_do(int error) {
  if (error == EADDRINUSE) return "; another program listens there: choose another port";
  if (error == EADDRNOTAVAIL) return "; this host has no such address: choose one of its own, or 127.0.0.1";
  if (error == EACCES) return "; ports below 1024 are for root: choose a higher one";
  return {};
}

UniqueFd listening_socket(const ListenAddress& address) {
  namespace ip = boost::asio::ip;
  const ip::tcp::endpoint endpoint(ip::make_address(address.host), address.port);
  UniqueFd socket(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) throw errno_error("cannot make a socket for agent.listen");
  switch_on(socket, SOL_SOCKET, SO_REUSEADDR);  // connections of the agent before may still wait for their end
  const bool listens = ::bind(socket.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0 &&
                       ::listen(socket.get(), SOMAXCONN) == 0;
  if (listens) return socket;
  const int error = errno;
  throw Error(errno_error("cannot listen on " + address.display() + " (agent.listen)", error).what() +
              what_to_do(error));
}

std::function<ApiRoutes> routes_of(const ListenAddress& address, std::shared_ptr<const PageRoutes> pages) {
  const bool is_loopback = is_loopback_address(address.host);
  return [is_loopback, pages = std::move(pages)](const ApiRequest& request, const Peer& peer, AgentFacade& facade,
                                                 AccountNames& names, WallTime now) -> ApiResponse {
    if (is_loopback && !is_loopback_host(request.host)) {
      return error_answer(
          421, "other_host",
          "agent.listen is an address of loopback, and answers only to localhost, 127.0.0.1 or [::1] as "
          "the host of a request; a proxy must send one of these");
    }
    auto page = pages->answer(request);
    if (page) return std::move(*page);
    return monitoring_answer(request, peer, facade, names, now);
  };
}

}  // namespace

// Held by shared_ptr: a connection may end one turn after the server has gone.
class MonitoringServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Executor executor, Timers& timers, ListenAddress address, AgentFacade& facade, ApiLimits limits)
      : executor_(std::move(executor)),
        timers_(timers),
        address_(std::move(address)),
        facade_(facade),
        limits_(limits),
        names_(timers.clock()),
        listener_(executor_, timers,
                  {[this](UniqueFd client) { admit(std::move(client)); },
                   [this](const std::string& reason) { warn("cannot accept a client; retrying", reason); }}),
        room_(limits.connections_per_user, limits.connections_per_user),
        routes_(routes_of(address_, std::make_shared<const PageRoutes>(facade, timers, limits.heartbeat))) {}

  void start() {
    listener_.listen(listening_socket(address_));
    log::info("the status page, metrics and health can be read over the network", {{"address", address_.display()}});
  }

  void stop() {
    listener_.close();
    room_.close_all();
  }

  [[nodiscard]] std::size_t connections() const { return room_.size(); }
  [[nodiscard]] const ApiTally& tally() const { return *tally_; }

 private:
  // In a full room the connection that has waited longest for its client gives way.
  void admit(UniqueFd client) {
    const Peer nobody;
    if (!room_.make_room(nobody.uid)) {
      tally_->refused();
      warn("too many connections; refusing more", "all of them are busy");
      return;
    }
    try {
      switch_on(client, IPPROTO_TCP, TCP_NODELAY);
      room_.add(Connection::start(executor_, std::move(client), nobody,
                                  {timers_, facade_, names_, limits_, routes_, tally_},
                                  [weak = weak_from_this()](const Connection* ended) {
                                    if (const auto self = weak.lock()) self->room_.remove(ended);
                                  }));
    } catch (const std::exception& e) {
      warn("a client's connection failed and was closed", e.what());
    }
  }

  void warn(const char* what, const std::string& reason) {
    if (!warnings_.allows(timers_.clock().boot_now())) return;
    log::warning(log::api_trouble, "agent.listen: " + std::string(what),
                 {{"address", address_.display()}, {"error", reason}});
  }

  Executor executor_;
  Timers& timers_;
  ListenAddress address_;
  AgentFacade& facade_;
  ApiLimits limits_;
  AccountNames names_;
  Listener listener_;
  ConnectionRoom room_;
  std::function<ApiRoutes> routes_;
  LogPace warnings_;
  std::shared_ptr<ApiTally> tally_ = std::make_shared<ApiTally>();
};

MonitoringServer::MonitoringServer(Executor executor, Timers& timers, ListenAddress address, AgentFacade& facade,
                                   ApiLimits limits)
    : impl_(std::make_shared<Impl>(std::move(executor), timers, std::move(address), facade, limits)) {}

MonitoringServer::~MonitoringServer() { impl_->stop(); }

void MonitoringServer::start() { impl_->start(); }

void MonitoringServer::stop() { impl_->stop(); }

std::size_t MonitoringServer::connections() const { return impl_->connections(); }

const ApiTally& MonitoringServer::tally() const { return impl_->tally(); }

}  // namespace jeton::agent
