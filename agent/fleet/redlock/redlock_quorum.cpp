#include "agent/fleet/redlock/redlock_quorum.hpp"

#include <utility>

#include "agent/base/log.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t fewest_servers = 3;

// Which server each endpoint of a quorum has reached, so that a server under two names (localhost and 127.0.0.1, an
// alias in DNS, a forwarded port) has one vote. A majority of two out of three would be a single server otherwise, and
// two agents could hold the lock.
//
// A server is known by the run_id of its process, asked for at every connect. A restarted one is a new one, and an
// endpoint that lost its connection gives up its server, so servers can be moved without a word to the agents. One
// thread: the loop's.
class ServerIdentities {
 public:
  // The next endpoint, counted from 0.
  void add(const std::shared_ptr<RedisServer>& server) { endpoints_.push_back({server->display(), server, {}, false}); }

  // The endpoint is about to be connected to the server with this run_id; empty: it does not say, which is said once in
  // the log. Throws redis::SetupError if an endpoint that is connected has reached the same server.
  void identify(std::size_t endpoint, const std::string& run_id) {
    Endpoint& asking = endpoints_[endpoint];
    asking.run_id.clear();
    asking.refused = false;
    if (run_id.empty()) {
      if (std::exchange(unknown_reported_, true)) return;
      log::info(
          "a server does not send its run id (allow +info in its ACL): jeton would not notice one server under two "
          "names",
          {{"server", asking.display}});
      return;
    }
    for (const Endpoint& other : endpoints_) {
      const auto server = other.server.lock();
      if (&other == &asking || other.run_id != run_id || !server || !server->is_connected()) continue;
      asking.refused = true;
      throw redis::SetupError("it is the same server as " + other.display +
                              " and has one vote, so it is not asked; name every server once in "
                              "coordination.redlock.endpoints, and replace this one by another");
    }
    asking.run_id = run_id;
  }

  // Its server has its vote through another endpoint, as far as is known.
  [[nodiscard]] bool is_refused(std::size_t endpoint) const { return endpoints_[endpoint].refused; }

 private:
  struct Endpoint {
    std::string display;  // as an operator knows it
    std::weak_ptr<RedisServer> server;
    std::string run_id;
    bool refused = false;
  };
  std::vector<Endpoint> endpoints_;
  bool unknown_reported_ = false;
};

void check_servers(const std::vector<redis::ConnectOptions>& servers) {
  if (servers.size() < fewest_servers)
    throw Error("redlock needs three servers or more, each independent of the others");
  for (auto one = servers.begin(); one != servers.end(); ++one) {
    const bool twice = std::any_of(servers.begin(), one, [&](const auto& o) { return o.address == one->address; });
    if (twice) throw Error("redlock: " + one->address.display() + " is given twice; each server has one vote");
  }
}

}  // namespace

void RedlockQuorum::mark_abandoned(const std::string& owner) {
  const auto found = held.find(owner);
  if (found == held.end()) return;
  found->second.attempt->abandoned = true;
  held.erase(found);
}

void RedlockQuorum::pass_on(const FormerOwners& former, const std::string& owner) {
  for (const std::string& before : former) {
    auto lease = held.extract(before);
    if (lease.empty()) continue;
    lease.key() = owner;
    held.insert(std::move(lease));
  }
}

void RedlockQuorum::forget_ended() {
  std::erase_if(held, [present = now()](const auto& entry) {
    const bool ended = entry.second.valid_until <= present;
    if (ended) entry.second.attempt->abandoned = true;
    return ended;
  });
}

bool RedlockQuorum::begin_repair(const std::string& name) {
  const auto [at, begun] = repairing_.emplace(name, false);
  if (!begun) at->second = true;
  return begun;
}

bool RedlockQuorum::end_repair(const std::string& name) {
  const auto ended = repairing_.extract(name);
  return !ended.empty() && ended.mapped();
}

redlock::Quorum make_redlock_quorum(Timers& timers, Random& random, const RedlockOptions& options) {
  check_servers(options.servers);
  auto shared = std::make_shared<QuorumNotifications>(timers, options.servers.size() / 2 + 1);
  // Weak: a server may outlive its users while it stops.
  const std::weak_ptr<QuorumNotifications> notifications = shared;
  const auto identities = std::make_shared<ServerIdentities>();
  Servers servers;
  for (const redis::ConnectOptions& connection : options.servers) {
    const std::size_t endpoint = servers.size();
    RedisOptions one;
    one.connection = connection;
    one.connection.identified = [identities, endpoint](const std::string& run_id) {
      identities->identify(endpoint, run_id);
    };
    one.prefix = options.prefix;
    one.codec = options.codec;
    one.keepalive = options.keepalive;
    one.clock_interval = options.clock_interval;
    const auto server = std::make_shared<RedisServer>(
        timers, random, std::move(one),
        [notifications, identities, endpoint](Subject::Kind kind, std::string_view what, const std::string& owner) {
          const auto alive = notifications.lock();
          return alive && !identities->is_refused(endpoint) && alive->reached_majority(endpoint, kind, what, owner);
        });
    identities->add(server);
    servers.push_back(server);
  }
  return std::make_shared<RedlockQuorum>(timers, random, options.servers.front().timeout, std::move(servers),
                                         std::move(shared));
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
