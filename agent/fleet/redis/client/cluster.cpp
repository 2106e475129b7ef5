#include "agent/fleet/redis/client/cluster.hpp"

#include <algorithm>
#include <set>

#include "agent/base/log.hpp"
#include "agent/fleet/redis/client/dial.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;

// Between two questions for the map while a caller waits for it.
constexpr BackoffLimits learn_pace{.base = 100ms, .cap = 1s, .floor = 50ms};
// A map of 16384 slots in as many ranges, each with a few replicas, still fits.
constexpr ReplyLimits cluster_limits{.bytes = 16UL * 1024 * 1024, .elements = 512UL * 1024};
constexpr std::size_t known_nodes_tried = 4;  // beside the configured ones, when no node is connected
constexpr std::size_t max_clients = 256;      // more only while they are in use: redirections may name any address

}  // namespace

Cluster::Cluster(Timers& timers, Random& random, ClusterOptions options)
    : timers_(timers),
      random_(random),
      options_(std::move(options)),
      learnt_from_(options_.endpoints.at(0)),
      learn_error_(learnt_from_.display() + ": not connected yet"),
      pace_(learn_pace, random),
      changed_(timers),
      wake_(timers) {
  options_.connection.endpoint_resolver = nullptr;
  options_.connection.database = 0;
  options_.connection.in_cluster = true;
  options_.connection.limits = cluster_limits;
  options_.connection.reports = std::make_shared<LogBurst>();
}

void Cluster::start() {
  if (started_ || stopped_) return;
  started_ = true;
  start_task(timers_.executor(), run(shared_from_this()));
}

void Cluster::stop() {
  if (stopped_) return;
  stopped_ = true;
  on_change_ = nullptr;
  for (const auto& [name, node] : nodes_) node.client->stop();
  nodes_.clear();
  changed_.notify();
  wake_.notify();
}

Cluster::Node Cluster::node(const Address& address) {
  const std::string name = address.display();
  if (const auto found = nodes_.find(name); found != nodes_.end()) return found->second;
  if (nodes_.size() >= max_clients) {
    std::erase_if(nodes_, [](const auto& known) { return known.second.client.use_count() <= 1; });
  }
  ConnectOptions connection = options_.connection;
  connection.address = address;
  Node node{address, std::make_shared<Client>(timers_, random_, std::move(connection))};
  node.client->on_connected([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->notify_change();
  });
  if (stopped_) return node;
  node.client->start();
  nodes_.emplace(name, node);
  return node;
}

void Cluster::moved(std::uint16_t slot, const Address& to) {
  map_.move(slot, to);
  changed_.notify();
  learn_soon();  // slots rarely move one by one
}

void Cluster::learn_soon() {
  wanted_ = true;
  wake_.notify();
}

Duration Cluster::jittered(Duration duration) {
  return std::chrono::duration_cast<Duration>(duration * (0.5 + 0.5 * random_.uniform()));
}

std::size_t Cluster::random_below(std::size_t count) {
  return std::min(count - 1, static_cast<std::size_t>(random_.uniform() * static_cast<double>(count)));
}

bool Cluster::any_connected() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [](const auto& entry) { return entry.second.client->is_connected(); });
}

std::string Cluster::last_error() const {
  if (stopped_) return display() + ": stopped";
  if (!map_.empty() && any_connected()) return {};
  return learn_error_.empty() ? display() + ": no node is connected" : learn_error_;
}

std::string Cluster::display() const {
  if (map_.empty()) return "cluster via " + learnt_from_.display();
  const std::size_t count = map_.nodes().size();
  return "cluster of " + std::to_string(count) + (count == 1 ? " node via " : " nodes via ") + learnt_from_.display();
}

Task<> Cluster::run(std::shared_ptr<Cluster> self) {
  while (!self->stopped_) {
    self->wanted_ = false;
    const bool learnt = co_await self->learn();
    const BootTime next = self->now() + self->jittered(self->options_.refresh_interval);
    const BootTime earliest = self->now() + self->pace_.next();
    while (!self->stopped_ && self->now() < earliest) co_await self->wake_.wait_until(earliest);
    bool in_time = learnt;
    while (!self->stopped_ && !self->wanted_ && in_time) in_time = co_await self->wake_.wait_until(next);
    if (learnt && !self->wanted_) self->pace_.reset();
  }
}

// Asks the connected nodes in a random order, and if none of them has an answer, all other known addresses.
Task<bool> Cluster::learn() {
  std::set<std::string> asked;
  bool opened = false;
  const BootTime give_up_at = now() + options_.connection.timeout;
  while (!stopped_) {
    std::vector<Node> candidates;
    for (const auto& [name, node] : nodes_) {
      if (node.client->is_connected() && !asked.contains(name)) candidates.push_back(node);
    }
    if (!candidates.empty()) {
      const Node chosen = candidates[random_below(candidates.size())];
      asked.insert(chosen.address.display());
      const bool learnt = co_await learn_from(chosen);
      if (learnt) co_return true;
      continue;
    }
    if (!opened) {
      opened = true;
      open_candidates();
      continue;
    }
    if (asked.size() >= nodes_.size()) co_return false;
    const bool changed = co_await changed_.wait_until(give_up_at);
    if (!changed) break;
  }
  // None of those that are left was connected: the first configured one is named for all.
  if (!stopped_ && asked.empty()) learn_error_ = node(options_.endpoints.front()).client->last_error();
  co_return false;
}

Task<bool> Cluster::learn_from(Node node) {
  try {
    Command slots({"CLUSTER", "SLOTS"});
    const Reply reply = co_await node.client->exchange(std::move(slots), now() + options_.connection.timeout);
    if (reply.is_error()) throw ServerError(node.client->display(), reply.text.reveal());
    ClusterMap map(reply, node.address);
    if (stopped_) co_return false;
    adopt(std::move(map), node.address);
    co_return true;
  } catch (const TransportError& e) {
    learn_error_ = with_place(node.client->display(), e.what());
    // The name of a configured endpoint may lead to nodes that know more.
    if (is_name(node.address) && !map_.contains(node.address)) node.client->leave();
    co_return false;
  }
}

void Cluster::open_candidates() {
  for (const Address& endpoint : options_.endpoints) static_cast<void>(node(endpoint));
  for (std::size_t i = 0; i < known_nodes_tried && !map_.empty(); ++i) {
    static_cast<void>(node(map_.nodes()[random_below(map_.nodes().size())]));
  }
}

void Cluster::adopt(ClusterMap map, const Address& learnt_from) {
  const bool differs = !(map == map_);
  const bool first = map_.empty();
  learn_error_.clear();
  learnt_from_ = learnt_from;
  map_ = std::move(map);
  // A caller in the middle of a command shares the ownership of its client, which then ends with the command.
  std::erase_if(nodes_, [this](const auto& known) { return !map_.contains(known.second.address); });
  if (!differs) return changed_.notify();
  log::write(first ? log::Level::info : log::Level::debug, "redis cluster learnt", {{"endpoint", display()}});
  notify_change();
}

void Cluster::notify_change() {
  changed_.notify();
  if (const auto callback = on_change_) callback();
}

}  // namespace jeton::agent::redis
