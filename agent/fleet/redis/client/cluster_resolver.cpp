#include "agent/fleet/redis/client/cluster_resolver.hpp"

#include <algorithm>

namespace jeton::agent::redis {

Task<Address> ClusterResolver::resolve(BootTime deadline) {
  if (current_) cluster_->learn_soon();  // the last one failed: perhaps it left the cluster
  bool in_time = true;
  while (cluster_->map().empty() && !cluster_->stopped() && in_time) in_time = co_await cluster_->wait_change(deadline);
  if (cluster_->map().empty() || cluster_->stopped()) throw TransportError(cluster_->last_error());
  const auto other = another();
  current_ = better_ ? better_ : other ? other : current_;
  better_.reset();
  if (!current_) current_ = cluster_->map().nodes().front();
  co_return *current_;
}

std::optional<Address> ClusterResolver::another() const {
  const auto& nodes = cluster_->map().nodes();
  const auto at = std::find(nodes.begin(), nodes.end(), current_.value_or(Address{}));
  if (at == nodes.end()) return nodes[cluster_->random_below(nodes.size())];
  const auto next = std::next(at) == nodes.end() ? nodes.begin() : std::next(at);
  if (next == at) return std::nullopt;
  return *next;
}

Task<Address> ClusterResolver::recheck(Address current, BootTime deadline) {
  if (current_ != current || cluster_->stopped() || cluster_->map().empty()) co_return current;
  const auto other = another();
  if (!other) co_return current;
  if (!cluster_->map().contains(current)) co_return *other;  // it left the cluster
  const auto cut_off = co_await is_cut_off(current, deadline);
  if (!cut_off.value_or(false)) co_return current;
  const BootTime other_deadline = cluster_->timers().clock().boot_now() + cluster_->timeout();
  const auto other_cut_off = co_await is_cut_off(*other, other_deadline);
  if (other_cut_off.value_or(true)) co_return current;
  better_ = other;
  co_return *other;
}

Task<std::optional<bool>> ClusterResolver::is_cut_off(Address address, BootTime deadline) {
  try {
    const Cluster::Node node = cluster_->node(address);
    Command ask({"CLUSTER", "INFO"});
    const Reply reply = co_await node.client->exchange(std::move(ask), deadline);
    if (reply.type != Reply::Type::string) co_return std::nullopt;  // not allowed to ask
    co_return reply.text.reveal().find("cluster_state:ok") == std::string_view::npos;
  } catch (const TransportError&) {
    co_return std::nullopt;
  }
}

}  // namespace jeton::agent::redis
