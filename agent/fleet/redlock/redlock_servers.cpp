#include "agent/fleet/redlock/redlock_servers.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/fleet/redlock/redlock_votes.hpp"

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

RedlockServers make_redlock_servers(Timers& timers, Random& random, const RedlockCoordinatorOptions& options,
                                    RedlockServers::Names names) {
  check_servers(options.servers);
  RedlockServers made;
  made.ears = std::make_shared<RedlockEars>(timers, options.servers.size() / 2 + 1);
  const auto votes = std::make_shared<RedlockVotes>();
  RedlockQuorum::Nodes nodes;
  for (const redis::ConnectOptions& server : options.servers) {
    RedlockNode::Options node{server, options.prefix, options.keepalive, options.clock_interval, options.codec, {}};
    node.locks = names == RedlockServers::Names::locks;
    const std::size_t endpoint = nodes.size();
    // Weak: a node may outlive its owner while it stops.
    node.is_news = [ears = std::weak_ptr(made.ears), votes, endpoint](std::string_view what, const std::string& owner) {
      const auto alive = ears.lock();
      return alive && !votes->is_refused(endpoint) && alive->is_news(what, owner);
    };
    node.connection.identified = [votes, endpoint](const std::string& run_id) { votes->claim(endpoint, run_id); };
    nodes.push_back(std::make_shared<RedlockNode>(timers, random, std::move(node)));
    votes->add(nodes.back()->display(), [self = std::weak_ptr(nodes.back())] {
      const auto alive = self.lock();
      return alive && alive->is_connected();
    });
  }
  made.quorum = std::make_shared<RedlockQuorum>(timers, random, options.servers.front().timeout, std::move(nodes));
  return made;
}

BackendHealth quorum_health(const RedlockQuorum& quorum) {
  std::size_t connected = 0;
  std::string out;
  std::vector<Milliseconds> offsets;
  for (const auto& node : quorum.nodes) {
    if (node->is_connected()) {
      ++connected;
    } else {
      out += (out.empty() ? "" : "; ") + node->last_error();
    }
    if (const auto offset = node->clock_offset()) offsets.push_back(*offset);
  }
  BackendHealth health;
  health.backend = "redlock";
  health.endpoint = std::to_string(quorum.nodes.size()) + " servers, " + std::to_string(connected) + " reachable";
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
