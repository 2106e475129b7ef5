#include "agent/fleet/redlock/redlock_servers.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/fleet/redlock/server_identities.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t fewest_servers = 3;

void check_servers(const std::vector<redis::ConnectOptions>& servers) {
  if (servers.size() < fewest_servers)
    throw Error("redlock needs three servers or more, each independent of the others");
  for (auto one = servers.begin(); one != servers.end(); ++one) {
    const bool twice = std::any_of(servers.begin(), one, [&](const auto& o) { return o.address == one->address; });
    if (twice) throw Error("redlock: " + one->address.display() + " is given twice; each server has one vote");
  }
}

}  // namespace

RedlockServers make_redlock_servers(Timers& timers, Random& random, const RedlockOptions& options) {
  check_servers(options.servers);
  RedlockServers made;
  made.notifications = std::make_shared<QuorumNotifications>(timers, options.servers.size() / 2 + 1);
  const auto identities = std::make_shared<ServerIdentities>();
  Servers servers;
  for (const redis::ConnectOptions& connection : options.servers) {
    const std::size_t endpoint = servers.size();
    RedisOptions one;
    one.connection = connection;
    one.connection.identified = [identities, endpoint](const std::string& run_id) {
      identities->claim(endpoint, run_id);
    };
    one.prefix = options.prefix;
    one.codec = options.codec;
    one.keepalive = options.keepalive;
    one.clock_interval = options.clock_interval;
    // Weak: a server may outlive its users while it stops.
    const std::weak_ptr<QuorumNotifications> notifications = made.notifications;
    const auto server = std::make_shared<RedisServer>(
        timers, random, std::move(one),
        [notifications, identities, endpoint](Subject::Kind kind, std::string_view what, const std::string& owner) {
          const auto alive = notifications.lock();
          return alive && !identities->is_refused(endpoint) && alive->reached_majority(kind, what, owner);
        });
    const std::weak_ptr<RedisServer> weak = server;
    // The server may have been restarted without its data, and the channels have come up before: a load of the record
    // then got no answer from here.
    server->on_connected([weak] {
      if (const auto alive = weak.lock()) alive->notifications().notify_resync();
    });
    identities->add(server->display(), [weak] {
      const auto alive = weak.lock();
      return alive && alive->is_connected();
    });
    servers.push_back(server);
  }
  made.quorum = std::make_shared<RedlockQuorum>(timers, random, options.servers.front().timeout, std::move(servers));
  return made;
}

BackendHealth quorum_health(const RedlockQuorum& quorum) {
  std::size_t connected = 0;
  std::string out;
  std::vector<Milliseconds> offsets;
  for (const auto& server : quorum.servers) {
    if (server->is_connected()) {
      ++connected;
    } else {
      out += (out.empty() ? "" : "; ") + server->last_error();
    }
    if (const auto offset = server->clock_offset()) offsets.push_back(*offset);
  }
  BackendHealth health;
  health.backend = "redlock";
  health.endpoint = std::to_string(quorum.servers.size()) + " servers, " + std::to_string(connected) + " reachable";
  health.reachable = connected >= quorum.majority();
  health.last_error = out;
  if (!offsets.empty()) {
    const auto middle = offsets.begin() + static_cast<std::ptrdiff_t>(offsets.size() / 2);
    std::nth_element(offsets.begin(), middle, offsets.end());
    health.clock_offset = *middle;
  }
  return health;
}

}  // namespace jeton::agent
