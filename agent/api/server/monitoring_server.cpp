// MonitoringServer (server.hpp): the server of agent.listen.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <string_view>
#include <system_error>
#include <utility>

#include "agent/api/page/page_feed.hpp"
#include "agent/api/server/server.hpp"
#include "agent/base/ascii.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

constexpr auto between_attempts = std::chrono::seconds(10);

void set_option(const UniqueFd& socket, int level, int option, int value) {
  ::setsockopt(socket.get(), level, option, &value, sizeof value);
}

ListenStatus failed_listening(const ListenAddress& address, int error) {
  const std::string which = "the address " + address.display() + " of agent.listen";
  const std::string restart = " agent.listen in /etc/jeton/agent.yaml, then: sudo systemctl restart jeton-agent";
  switch (error) {
    case EADDRINUSE:
      return {address.display(), which + " is in use by another program",
              "sudo ss -ltnp 'sport = :" + std::to_string(address.port) +
                  "'   # end that program, or choose another port in" + restart};
    case EADDRNOTAVAIL:
      return {address.display(), which + " is none of this host",
              "ip -brief address   # choose one of these, or 127.0.0.1, in" + restart};
    case EACCES:
      return {address.display(), which + " is not permitted to the agent: ports below 1024 are for root",
              "choose a port above 1023 in" + restart};
    default:
      return {address.display(), which + " cannot be had: " + std::generic_category().message(error),
              "choose another address in" + restart};
  }
}

struct Listening {
  UniqueFd socket;
  int error = 0;  // the socket listens if it is 0
};

Listening listening_socket(const ListenAddress& address) {
  namespace ip = boost::asio::ip;
  const ip::tcp::endpoint endpoint(ip::make_address(address.host), address.port);
  UniqueFd socket(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return {UniqueFd(), errno};
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);  // connections of the agent before may still wait for their end
  const bool listens = ::bind(socket.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0 &&
                       ::listen(socket.get(), SOMAXCONN) == 0;
  const int error = listens ? 0 : errno;
  return {std::move(socket), error};
}

// The address itself, without brackets or port.
bool is_loopback_address(std::string_view address) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(std::string(address), error);
  if (error) return false;
  if (!parsed.is_v6() || !parsed.to_v6().is_v4_mapped()) return parsed.is_loopback();
  return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, parsed.to_v6()).is_loopback();
}

// "localhost", an address of 127.0.0.0/8 or "[::1]", each with any port: a tunnel may have another one. Also an empty
// one: every browser sends it.
//
// Checks the header Host against DNS rebinding. In that attack a foreign web page gives its own name the address
// 127.0.0.1, so that its script, in a browser on this host, can read answers of local servers. The browser sends that
// name as Host, so a server on loopback answers only to names of loopback.
bool is_loopback_host(std::string_view host) {
  if (host.empty()) return true;
  if (host.front() == '[') {
    const std::size_t end = host.find(']');
    return end != std::string_view::npos && is_loopback_address(host.substr(1, end - 1));
  }
  const std::string_view name = host.substr(0, host.find(':'));
  return equal_ignoring_case(name, "localhost") || is_loopback_address(name);
}

std::function<ApiRoutes> routes_of(const ListenAddress& address, std::shared_ptr<PageFeed> pages, Duration heartbeat) {
  const bool is_loopback = is_loopback_address(address.host);
  return [is_loopback, pages = std::move(pages), heartbeat](const ApiRequest& request, const Peer& peer,
                                                            AgentFacade& facade, AccountNames& names,
                                                            WallTime now) -> ApiResponse {
    if (is_loopback && !is_loopback_host(request.host)) {
      return error_answer(
          421, "other_host",
          "agent.listen is an address of loopback, and answers only to localhost, 127.0.0.1 or [::1] as "
          "the host of a request; a proxy must send one of these");
    }
    auto page = page_route(pages, request, heartbeat);
    if (page) return std::move(*page);
    return monitoring_answer(request, peer, facade, names, now);
  };
}

}  // namespace

MonitoringServer::MonitoringServer(Executor executor, Timers& timers, ListenAddress address, AgentFacade& facade,
                                   ApiLimits limits)
    : HttpServer(std::move(executor), timers, facade, limits,
                 {[this](UniqueFd client) { admit(std::move(client)); },
                  [this](const std::string& reason) { warn("cannot accept a client; retrying", reason); }}),
      address_(std::move(address)),
      status_{address_.display()},
      room_(limits.connections_per_user, limits.connections_per_user),
      routes_(routes_of(address_, std::make_shared<PageFeed>(facade, timers), limits.heartbeat)) {}

void MonitoringServer::start() { try_to_listen(); }

void MonitoringServer::try_to_listen() {
  Listening attempt = listening_socket(address_);
  if (attempt.error == 0) {
    try {
      listener_.listen(std::move(attempt.socket));
    } catch (const boost::system::system_error& e) {
      attempt.error = e.code().value();
    }
  }
  if (attempt.error != 0) return note_failure(attempt.error);
  status_ = {address_.display()};
  log::info("the status page, metrics and health can be read over the network", {{"address", status_.address}});
}

// A line for each new reason: the same one comes every ten seconds.
void MonitoringServer::note_failure(int error) {
  ListenStatus now = failed_listening(address_, error);
  if (now.error != status_.error) {
    log::error(log::listen_failed,
               "agent.listen cannot be served; tokens do not depend on it; trying again every ten seconds",
               {{"address", now.address}, {"error", now.error}, {"remedy", now.remedy}});
  }
  status_ = std::move(now);
  retry_ = timers_.schedule(timers_.clock().boot_now() + between_attempts, [this] {
    retry_ = 0;
    try_to_listen();
  });
}

void MonitoringServer::stop() {
  if (retry_ != 0) timers_.cancel(std::exchange(retry_, 0));
  listener_.close();
  room_.close_all();
}

// In a full room the connection that has waited longest for its client gives way.
void MonitoringServer::admit(UniqueFd client) {
  const Peer nobody;
  if (!room_.make_room(nobody.uid)) {
    refuse(client);
    warn("too many connections; refusing more", "all of them are busy");
    return;
  }
  try {
    set_option(client, IPPROTO_TCP, TCP_NODELAY, 1);
    // The kernel takes a line for a host that is gone, and would repeat it for a quarter of an hour.
    set_option(client, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(to_ms(limits_.write_deadline).count()));
    room_.add(Connection::start(executor_, std::move(client), nobody,
                                {timers_, facade_, names_, limits_, routes_, tally_},
                                [this, alive = std::weak_ptr(alive_)](const Connection* ended) {
                                  if (!alive.expired()) room_.remove(ended);
                                }));
  } catch (const std::exception& e) {
    warn("a client's connection failed and was closed", e.what());
  }
}

void MonitoringServer::warn(const std::string& what, const std::string& reason) {
  if (!warnings_.allows(timers_.clock().boot_now())) return;
  log::warning(log::api_trouble, "agent.listen: " + what, {{"address", status_.address}, {"error", reason}});
}

}  // namespace jeton::agent
