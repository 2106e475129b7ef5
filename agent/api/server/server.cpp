#include "agent/api/server/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "agent/api/peer.hpp"
#include "agent/api/server/connection.hpp"
#include "agent/api/server/connection_room.hpp"
#include "agent/api/server/listener.hpp"
#include "agent/api/server/socket_file.hpp"
#include "agent/api/status_json.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/log_pace.hpp"

namespace jeton::agent {

// Held by shared_ptr: a handler that is queued in the loop may run one turn after the server has gone.
class ApiServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Executor executor, Timers& timers, std::filesystem::path path, AgentFacade& facade, ApiLimits limits)
      : executor_(std::move(executor)),
        timers_(timers),
        path_(std::move(path)),
        facade_(facade),
        limits_(limits),
        names_(timers.clock()),
        listener_(executor_, timers,
                  {[this](UniqueFd client) { admit(std::move(client)); },
                   [this](const std::string& reason) { warn("local API: cannot accept a client; retrying", reason); }}),
        ordinary_(limits.connections, limits.connections_per_user),
        reserved_(limits.reserved_connections, limits.connections_per_user) {}

  void start() {
    running_ = true;
    listen();
  }

  void restore_socket() {
    if (!running_ || (file_ && file_->has_name())) return;
    listen();
    log::warning(log::runtime_dir_restored, "the socket of the local API was removed; the agent created it again",
                 {{"socket", path_.string()}});
  }

  void stop() {
    if (!std::exchange(running_, false)) return;
    file_.reset();
    listener_.close();
    ordinary_.close_all();
    reserved_.close_all();
    for (const auto& [key, connection] : std::exchange(locks_, {})) connection->close();
  }

  [[nodiscard]] const ApiTally& tally() const { return *tally_; }
  [[nodiscard]] std::size_t connections() const { return ordinary_.size() + reserved_.size() + locks_.size(); }

 private:
  void listen() {
    auto file = std::make_unique<SocketFile>(path_);
    file_ = std::move(file);
    listener_.listen(UniqueFd(file_->release()));
  }

  void admit(UniqueFd client) {
    try {
      const Peer peer = peer_of(client.get());
      ConnectionRoom* room = room_for(peer);
      if (room == nullptr) {
        refuse(client, peer);
        return;
      }
      room->add(
          Connection::start(executor_, std::move(client), peer, context(), [weak = weak_from_this()](auto* ended) {
            if (const auto self = weak.lock()) self->forget(ended);
          }));
    } catch (const std::exception& e) {
      warn("local API: a client's connection failed and was closed", e.what());
    }
  }

  // The room for one more client; null: none has space. Admins are looked up only when it matters: a directory service
  // that answers slowly must not hold the loop for every client.
  ConnectionRoom* room_for(const Peer& peer) {
    const bool is_ours = peer.uid == 0 || peer.uid == ::geteuid();
    if (!is_ours && ordinary_.has_room(peer.uid)) return &ordinary_;
    ConnectionRoom& room = has_reserved_room(peer) ? reserved_ : ordinary_;
    if (room.has_room(peer.uid)) return &room;
    if (!room.make_room(peer.uid)) return nullptr;
    warn("local API: many connections; closing those that have waited longest", "user " + std::to_string(peer.uid));
    return &room;
  }

  [[nodiscard]] bool has_reserved_room(const Peer& peer) { return may_read(peer, facade_.admins(), names_); }

  Connection::Context context() {
    return {timers_,
            facade_,
            names_,
            limits_,
            answer,
            tally_,
            [weak = weak_from_this()](const Connection* connection) {
              if (const auto self = weak.lock()) self->count_apart(connection);
            },
            [weak = weak_from_this()](const Connection* connection) {
              const auto self = weak.lock();
              return self && self->may_be_busy(connection);
            }};
  }

  // One send into an empty socket buffer: it fits, or the client gets no answer.
  void refuse(const UniqueFd& client, const Peer& peer) {
    const std::string body = error_json("too_many_connections", "too many connections to the agent; close some");
    const std::string answer =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    [[maybe_unused]] const auto sent = ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    tally_->refused();
    warn("local API: too many connections; refusing more", "user " + std::to_string(peer.uid));
  }

  void forget(const Connection* ended) {
    ordinary_.remove(ended);
    reserved_.remove(ended);
    locks_.erase(ended);
  }

  // A lock is held for long, and the broker counts how many of them a user has.
  void count_apart(const Connection* connection) {
    std::shared_ptr<Connection> moved = ordinary_.remove(connection);
    if (!moved) moved = reserved_.remove(connection);
    if (moved) locks_.emplace(connection, std::move(moved));
  }

  // An admin that came while there was room for all moves to the reserved one.
  bool may_be_busy(const Connection* connection) {
    if (reserved_.contains(connection)) return reserved_.may_be_busy();
    if (ordinary_.may_be_busy()) return true;
    const Peer& peer = connection->peer();
    if (!has_reserved_room(peer) || !reserved_.make_room(peer.uid)) return false;
    if (std::shared_ptr<Connection> moved = ordinary_.remove(connection)) reserved_.add(std::move(moved));
    return reserved_.may_be_busy();
  }

  void warn(const char* what, const std::string& reason) {
    if (!warnings_.allows(timers_.clock().boot_now())) return;
    log::warning(log::api_trouble, what, {{"error", reason}, {"connections", connections()}});
  }

  Executor executor_;
  Timers& timers_;
  std::filesystem::path path_;
  AgentFacade& facade_;
  ApiLimits limits_;
  AccountNames names_;
  Listener listener_;
  std::unique_ptr<SocketFile> file_;
  bool running_ = false;
  ConnectionRoom ordinary_;
  ConnectionRoom reserved_;                                         // of root, the agent's own user and admins
  std::map<const Connection*, std::shared_ptr<Connection>> locks_;  // those that hold or wait for one
  LogPace warnings_;                                                // about refused clients
  std::shared_ptr<ApiTally> tally_ = std::make_shared<ApiTally>();
};

ApiServer::ApiServer(Executor executor, Timers& timers, std::filesystem::path path, AgentFacade& facade,
                     ApiLimits limits)
    : impl_(std::make_shared<Impl>(std::move(executor), timers, std::move(path), facade, limits)) {}

ApiServer::~ApiServer() { impl_->stop(); }

void ApiServer::start() { impl_->start(); }

void ApiServer::restore_socket() { impl_->restore_socket(); }

void ApiServer::stop() { impl_->stop(); }

std::size_t ApiServer::connections() const { return impl_->connections(); }

const ApiTally& ApiServer::tally() const { return impl_->tally(); }

}  // namespace jeton::agent
