#include "agent/api/server/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <utility>

#include "agent/api/status_json.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {

HttpServer::HttpServer(Executor executor, Timers& timers, AgentFacade& facade, ApiLimits limits,
                       Listener::Callbacks callbacks)
    : executor_(std::move(executor)),
      timers_(timers),
      facade_(facade),
      limits_(limits),
      names_(timers.clock()),
      listener_(executor_, timers, std::move(callbacks)) {}

// One send into an empty socket buffer: it fits, or the client gets no answer.
void HttpServer::refuse(const UniqueFd& client) {
  const std::string body = error_json("too_many_connections", "too many connections to the agent; close some");
  const std::string head =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ";
  const std::string text = head + std::to_string(body.size()) + "\r\n\r\n" + body;
  [[maybe_unused]] const auto sent = ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  tally_->refused();
}

ApiServer::ApiServer(Executor executor, Timers& timers, std::filesystem::path path, AgentFacade& facade,
                     ApiLimits limits)
    : HttpServer(std::move(executor), timers, facade, limits,
                 {[this](UniqueFd client) { admit(std::move(client)); },
                  [this](const std::string& reason) { warn("local API: cannot accept a client; retrying", reason); }}),
      path_(std::move(path)),
      ordinary_(limits.connections, limits.connections_per_user),
      reserved_(limits.reserved_connections, limits.connections_per_user),
      kept_(limits.kept_connections, limits.kept_per_user) {}

void ApiServer::start() {
  running_ = true;
  listen();
}

void ApiServer::restore_socket() {
  if (!running_ || (file_ && file_->has_name())) return;
  listen();
  log::warning(log::runtime_dir_restored, "the socket of the local API was removed; the agent created it again",
               {{"socket", path_.string()}});
}

void ApiServer::stop() {
  if (!std::exchange(running_, false)) return;
  file_.reset();
  listener_.close();
  ordinary_.close_all();
  reserved_.close_all();
  kept_.close_all();
  for (const auto& [key, connection] : std::exchange(locks_, {})) connection->close();
}

void ApiServer::listen() {
  auto file = std::make_unique<SocketFile>(path_);
  file_ = std::move(file);
  listener_.listen(UniqueFd(file_->release()));
}

void ApiServer::admit(UniqueFd client) {
  try {
    const Peer peer = peer_of(client.get());
    ConnectionRoom* room = room_for(peer);
    if (room == nullptr) {
      refuse(client);
      warn("local API: too many connections; refusing more", "user " + std::to_string(peer.uid));
      return;
    }
    room->add(Connection::start(executor_, std::move(client), peer, context(),
                                [this, alive = std::weak_ptr(alive_)](const Connection* ended) {
                                  if (!alive.expired()) forget(ended);
                                }));
  } catch (const std::exception& e) {
    warn("local API: a client's connection failed and was closed", e.what());
  }
}

// The room for one more client; null: none has space. Admins are looked up only when it matters: a directory service
// that answers slowly must not hold the loop for every client.
ConnectionRoom* ApiServer::room_for(const Peer& peer) {
  const bool is_ours = peer.uid == 0 || peer.uid == ::geteuid();
  if (!is_ours && ordinary_.has_room(peer.uid)) return &ordinary_;
  ConnectionRoom& room = has_reserved_room(peer) ? reserved_ : ordinary_;
  if (room.has_room(peer.uid)) return &room;
  if (!room.make_room(peer.uid)) return nullptr;
  warn("local API: many connections; closing those that have waited longest", "user " + std::to_string(peer.uid));
  return &room;
}

Connection::Context ApiServer::context() {
  return {timers_,
          facade_,
          names_,
          limits_,
          answer,
          tally_,
          [this, alive = std::weak_ptr(alive_)](const Connection* connection) {
            if (!alive.expired()) count_apart(connection);
          },
          [this, alive = std::weak_ptr(alive_)](const Connection* connection) {
            return !alive.expired() && keep(connection);
          },
          [this, alive = std::weak_ptr(alive_)](const Connection* connection) {
            return !alive.expired() && count_as_ordinary(connection);
          },
          [this, alive = std::weak_ptr(alive_)](const Connection* connection) {
            return !alive.expired() && may_be_busy(connection);
          }};
}

void ApiServer::forget(const Connection* ended) {
  ordinary_.remove(ended);
  reserved_.remove(ended);
  kept_.remove(ended);
  locks_.erase(ended);
}

// A lock is held for long, and the broker counts how many of them a user has.
void ApiServer::count_apart(const Connection* connection) {
  std::shared_ptr<Connection> moved = ordinary_.remove(connection);
  if (!moved) moved = reserved_.remove(connection);
  if (!moved) moved = kept_.remove(connection);
  if (moved) locks_.emplace(connection, std::move(moved));
}

// Without a word in the log: a client whose connection gives way makes a new one for its next lock.
bool ApiServer::keep(const Connection* connection) {
  const auto found = locks_.find(connection);
  if (found == locks_.end() || !kept_.make_room(connection->peer().uid)) return false;
  kept_.add(std::move(found->second));
  locks_.erase(found);
  return true;
}

// A kept connection is for locks: with any other request it needs the room of a new client.
bool ApiServer::count_as_ordinary(const Connection* connection) {
  if (!kept_.contains(connection)) return true;
  ConnectionRoom* room = room_for(connection->peer());
  if (room == nullptr) return false;
  room->add(kept_.remove(connection));
  return true;
}

// An admin that came while there was room for all moves to the reserved one.
bool ApiServer::may_be_busy(const Connection* connection) {
  if (reserved_.contains(connection)) return reserved_.may_be_busy();
  if (ordinary_.may_be_busy()) return true;
  const Peer& peer = connection->peer();
  if (!has_reserved_room(peer) || !reserved_.make_room(peer.uid)) return false;
  if (std::shared_ptr<Connection> moved = ordinary_.remove(connection)) reserved_.add(std::move(moved));
  return reserved_.may_be_busy();
}

void ApiServer::warn(const char* what, const std::string& reason) {
  if (!warnings_.allows(timers_.clock().boot_now())) return;
  log::warning(log::api_trouble, what, {{"error", reason}, {"connections", connections()}});
}

}  // namespace jeton::agent
