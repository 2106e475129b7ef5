#include "agent/api/server/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "agent/api/peer.hpp"
#include "agent/api/server/connection.hpp"
#include "agent/api/server/connection_room.hpp"
#include "agent/api/server/socket_file.hpp"
#include "agent/api/status_json.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/log_pace.hpp"

namespace jeton::agent {
namespace {

namespace asio = boost::asio;

constexpr int accepts_a_turn = 16;  // then other work of the loop has its turn
constexpr auto pause_without_descriptors = std::chrono::milliseconds(200);

}  // namespace

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
        acceptor_(executor_),
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
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    if (retry_ != 0) timers_.cancel(std::exchange(retry_, 0));
    ordinary_.close_all();
    reserved_.close_all();
    for (const auto& [key, connection] : std::exchange(locks_, {})) connection->close();
  }

  [[nodiscard]] std::size_t connections() const { return ordinary_.size() + reserved_.size() + locks_.size(); }

 private:
  // A former socket is closed with the clients in its queue: its name is gone.
  void listen() {
    auto file = std::make_unique<SocketFile>(path_);
    if (acceptor_.is_open()) {
      accept_waiting();
      acceptor_.close();
    }
    if (retry_ != 0) timers_.cancel(std::exchange(retry_, 0));
    file_ = std::move(file);
    acceptor_.assign(asio::local::stream_protocol(), file_->release());
    accept_next();
  }

  void accept_next() {
    acceptor_.async_wait(asio::socket_base::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           if (error || !self->running_) return;
                           if (self->accept_waiting()) self->accept_next();
                         });
  }

  // False: there are no descriptors or no memory left; accepting goes on after a pause. Without one, the client that
  // stays in the queue would wake the loop again and again.
  bool accept_waiting() {
    for (int n = 0; n < accepts_a_turn; ++n) {
      UniqueFd client(::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (client) {
        admit(std::move(client));
        continue;
      }
      if (errno == EAGAIN) return true;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      warn("local API: cannot accept a client; retrying", std::generic_category().message(errno));
      retry_ = timers_.schedule(timers_.clock().boot_now() + pause_without_descriptors, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || !self->running_) return;
        self->retry_ = 0;
        self->accept_next();
      });
      return false;
    }
    return true;
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
  asio::local::stream_protocol::acceptor acceptor_;
  std::unique_ptr<SocketFile> file_;
  bool running_ = false;
  Timers::Id retry_ = 0;
  ConnectionRoom ordinary_;
  ConnectionRoom reserved_;                                         // of root, the agent's own user and admins
  std::map<const Connection*, std::shared_ptr<Connection>> locks_;  // those that hold or wait for one
  LogPace warnings_;                                                // about refused clients
};

ApiServer::ApiServer(Executor executor, Timers& timers, std::filesystem::path path, AgentFacade& facade,
                     ApiLimits limits)
    : impl_(std::make_shared<Impl>(std::move(executor), timers, std::move(path), facade, limits)) {}

ApiServer::~ApiServer() { impl_->stop(); }

void ApiServer::start() { impl_->start(); }

void ApiServer::restore_socket() { impl_->restore_socket(); }

void ApiServer::stop() { impl_->stop(); }

std::size_t ApiServer::connections() const { return impl_->connections(); }

}  // namespace jeton::agent
