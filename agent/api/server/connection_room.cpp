#include "agent/api/server/connection_room.hpp"

#include <algorithm>
#include <utility>

namespace jeton::agent {

bool ConnectionRoom::has_room(uid_t user) const {
  return connections_.size() < limit_ && of_user(user) < limit_per_user_;
}

bool ConnectionRoom::make_room(uid_t user) {
  if (has_room(user)) return true;
  const bool has_share = of_user(user) >= limit_per_user_;
  const std::shared_ptr<Connection> gives_way = longest_waiting(has_share ? &user : nullptr);
  if (!gives_way) return false;
  remove(gives_way.get());
  gives_way->close();
  return true;
}

void ConnectionRoom::add(std::shared_ptr<Connection> connection) {
  ++per_user_[connection->peer().uid];
  const Connection* key = connection.get();
  connections_.emplace(key, std::move(connection));
}

std::shared_ptr<Connection> ConnectionRoom::remove(const Connection* connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return nullptr;
  std::shared_ptr<Connection> removed = std::move(found->second);
  connections_.erase(found);
  const auto of_user = per_user_.find(removed->peer().uid);
  if (--of_user->second == 0) per_user_.erase(of_user);
  return removed;
}

bool ConnectionRoom::may_be_busy() const {
  const auto busy = std::count_if(connections_.begin(), connections_.end(),
                                  [](const auto& connection) { return !connection.second->waits_since(); });
  return static_cast<std::size_t>(busy) <= limit_ - limit_ / 4;
}

void ConnectionRoom::close_all() {
  per_user_.clear();
  for (const auto& [key, connection] : std::exchange(connections_, {})) connection->close();
}

std::size_t ConnectionRoom::of_user(uid_t user) const {
  const auto found = per_user_.find(user);
  return found == per_user_.end() ? 0 : found->second;
}

std::shared_ptr<Connection> ConnectionRoom::longest_waiting(const uid_t* user) const {
  std::shared_ptr<Connection> found;
  std::size_t most = 0;
  BootTime longest;
  for (const auto& [key, connection] : connections_) {
    if (user != nullptr && connection->peer().uid != *user) continue;
    const std::size_t of_its_user = of_user(connection->peer().uid);
    if (of_its_user < most) continue;
    const auto since = connection->waits_since();
    if (!since || (of_its_user == most && longest <= *since)) continue;
    found = connection;
    most = of_its_user;
    longest = *since;
  }
  return found;
}

}  // namespace jeton::agent
