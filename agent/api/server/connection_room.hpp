// ConnectionRoom: clients of the local API that share one limit; it chooses the one that gives way to a new one.
//
// It closes the connection that has waited longest for its client: a connection of the same user if that user has its
// share, otherwise one of the user with the most connections, so that a user with few keeps them. Busy connections (a
// stream, a long call) never give way, and may take three quarters of the room only; the rest is for short requests.
// One thread: the loop's.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>

#include "agent/api/server/connection.hpp"

namespace jeton::agent {

class ConnectionRoom {
 public:
  ConnectionRoom(std::size_t limit, std::size_t limit_per_user) : limit_(limit), limit_per_user_(limit_per_user) {}

  // Whether one more of this user fits without any giving way.
  [[nodiscard]] bool has_room(uid_t user) const;
  // Closes one if it must. False: none gives way.
  [[nodiscard]] bool make_room(uid_t user);
  void add(std::shared_ptr<Connection> connection);
  // Empty if the connection is not in this room.
  std::shared_ptr<Connection> remove(const Connection* connection);

  [[nodiscard]] bool contains(const Connection* connection) const { return connections_.contains(connection); }
  // Whether the busy connections, the asking one included, stay within their part of the room.
  [[nodiscard]] bool may_be_busy() const;
  [[nodiscard]] std::size_t size() const { return connections_.size(); }
  void close_all();

 private:
  [[nodiscard]] std::size_t of_user(uid_t user) const;
  // A connection of one user, or, with nullptr, of the user with the most connections.
  [[nodiscard]] std::shared_ptr<Connection> longest_waiting(const uid_t* user) const;

  std::size_t limit_;
  std::size_t limit_per_user_;
  std::map<const Connection*, std::shared_ptr<Connection>> connections_;
  std::map<uid_t, std::size_t> per_user_;
};

}  // namespace jeton::agent
