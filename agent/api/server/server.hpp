// The servers of the agent: HTTP/1.1 on its one loop. A slow or hostile client is bounded by ApiLimits. Running out of
// descriptors pauses accepting and is logged, no more. One thread: the loop's.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/api/agent_facade.hpp"
#include "agent/api/server/connection_room.hpp"
#include "agent/api/server/listener.hpp"
#include "agent/base/log_pace.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {

// The common part of both servers.
class HttpServer {
 public:
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] const ApiTally& tally() const { return *tally_; }

 protected:
  HttpServer(Executor executor, Timers& timers, AgentFacade& facade, ApiLimits limits, Listener::Callbacks callbacks);
  ~HttpServer() = default;

  // The server answers 503 to a client when no connection is left. The caller closes the descriptor.
  void refuse(const UniqueFd& client);

  Executor executor_;
  Timers& timers_;
  AgentFacade& facade_;
  ApiLimits limits_;
  AccountNames names_;
  Listener listener_;
  LogPace warnings_;  // about refused clients
  std::shared_ptr<ApiTally> tally_ = std::make_shared<ApiTally>();
  // A connection may end one turn after the server has gone: its handlers ask this one first.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// The agent's local API (agent/README.md, Architecture): JSON on a unix socket.
//
// Every user of the host may connect; the kernel names the user, which decides what a client may see (peer.hpp,
// routes.hpp). No number of ordinary users shuts out root, the agent's own user and admins.
class ApiServer final : public HttpServer {
 public:
  // `timers` and `facade` live until stop() has returned, the loop behind the executor longer.
  ApiServer(Executor executor, Timers& timers, std::filesystem::path path, AgentFacade& facade, ApiLimits limits = {});
  ~ApiServer() { stop(); }

  // Makes the socket; the caller is the only agent of this runtime_dir (listener.hpp). Throws Error.
  void start();
  // Creates the socket again if its file was removed; clients that are connected stay. Throws Error if that
  // fails.
  void restore_socket();
  // Removes the socket and disconnects every client, streams included. Idempotent.
  void stop();

  [[nodiscard]] std::size_t connections() const {
    return ordinary_.size() + reserved_.size() + kept_.size() + locks_.size();
  }

 private:
  void listen();
  void admit(UniqueFd client);
  [[nodiscard]] ConnectionRoom* room_for(const Peer& peer);
  [[nodiscard]] bool has_reserved_room(const Peer& peer) { return may_read(peer, facade_.admins(), names_); }
  [[nodiscard]] Connection::Context context();
  void forget(const Connection* ended);
  void count_apart(const Connection* connection);
  [[nodiscard]] bool keep(const Connection* connection);
  [[nodiscard]] bool count_as_ordinary(const Connection* connection);
  [[nodiscard]] bool may_be_busy(const Connection* connection);
  void warn(const char* what, const std::string& reason);

  std::filesystem::path path_;
  std::unique_ptr<SocketFile> file_;
  bool running_ = false;
  ConnectionRoom ordinary_;
  ConnectionRoom reserved_;                                         // of root, the agent's own user and admins
  ConnectionRoom kept_;                                             // between two locks of their clients
  std::map<const Connection*, std::shared_ptr<Connection>> locks_;  // those that hold or wait for one
};

// The status page, /metrics, /live and /ready over TCP, on the address that agent.listen names. No tokens, no locks, no
// commands: the clients of a network are unknown. On loopback only requests to a name of loopback are answered. They
// have the limits of the local API, and one user's share of connections, all together.
class MonitoringServer final : public HttpServer {
 public:
  // `timers` and `facade` live until stop() has returned, the loop behind the executor longer.
  MonitoringServer(Executor executor, Timers& timers, ListenAddress address, AgentFacade& facade,
                   ApiLimits limits = {});
  ~MonitoringServer() { stop(); }

  // If the address cannot be had, that is logged, and tried again every ten seconds: monitoring must not keep the
  // tokens from the host.
  void start();
  // Disconnects every client. Idempotent.
  void stop();

  [[nodiscard]] const ListenStatus& status() const { return status_; }
  [[nodiscard]] std::size_t connections() const { return room_.size(); }

 private:
  void try_to_listen();
  void note_failure(int error);
  void admit(UniqueFd client);
  void warn(const std::string& what, const std::string& reason);

  ListenAddress address_;
  ListenStatus status_;
  Timers::Id retry_ = 0;  // 0: none is due
  ConnectionRoom room_;
  std::function<ApiRoutes> routes_;
};

}  // namespace jeton::agent
