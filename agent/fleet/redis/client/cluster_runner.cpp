#include "agent/fleet/redis/client/cluster_runner.hpp"

#include <algorithm>
#include <iterator>

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;

// In a row, without a pause: more is a circle.
constexpr int max_redirections = 5;
constexpr Duration try_again_after = 60ms;        // at most; jittered
constexpr Duration look_for_owner_after = 200ms;  // at most; jittered

// Whether a node refused the command before it ran. An error from inside a script names the script.
bool came_before_the_command(std::string_view error) { return error.find("@user_script") == std::string_view::npos; }

bool will_pass(std::string_view error) {
  static constexpr std::string_view codes[] = {"TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN"};
  return std::any_of(std::begin(codes), std::end(codes),
                     [&](std::string_view code) { return error.starts_with(code); });
}

// MOVED or ASK without the node: the sender names others by their host name, and knows none for this one ("?").
bool names_no_node(std::string_view error) { return error.starts_with("MOVED ") || error.starts_with("ASK "); }

// Holds the data of every attempt. The commands are kept whole, because each may have to be sent to several nodes.
struct Request {
  std::uint16_t slot = 0;
  Command command;
  std::optional<ScriptCall> script;  // that the command calls
  BootTime deadline;
};

// The node that holds the slot, or the node `redirected` (by an ASK), as soon as it is connected.
Task<Cluster::Node> connected_node(std::shared_ptr<Cluster> cluster, std::uint16_t slot,
                                   std::optional<Address> redirected, BootTime deadline) {
  for (;;) {
    if (cluster->stopped()) throw NotSentError(cluster->last_error());
    std::string trouble;
    std::optional<Address> address = redirected;
    if (!address) address = cluster->map().owner(slot);
    if (address) {
      const Cluster::Node node = cluster->node(*address);
      if (node.client->is_connected()) co_return node;
      trouble = node.client->last_error();
    } else if (cluster->map().empty()) {
      trouble = cluster->last_error();
    } else {
      trouble = cluster->display() + ": no node holds slot " + std::to_string(slot) + "; run redis-cli --cluster check";
    }
    const BootTime now = cluster->timers().clock().boot_now();
    if (now >= deadline) throw NotSentError(trouble);
    const BootTime until = std::min(deadline, now + cluster->jittered(look_for_owner_after));
    const bool changed = co_await cluster->wait_change(until);
    if (!changed) {
      cluster->learn_soon();
      redirected.reset();  // the node that was to be asked may be gone; its predecessor knows
    }
  }
}

// EVAL follows NOSCRIPT on the same node, with an ASKING of its own.
Task<Reply> exchange_with(Cluster::Node node, const Request& request, bool asking) {
  Reply reply = co_await node.client->exchange(request.command, request.deadline, asking);
  if (request.script && reply.is_error() && reply.text.reveal().starts_with("NOSCRIPT")) {
    reply = co_await node.client->exchange(request.script->by_text(), request.deadline, asking);
  }
  co_return reply;
}

Task<Reply> route(std::shared_ptr<Cluster> cluster, Request request) {
  const Clock& clock = cluster->timers().clock();
  int redirections = 0;
  std::optional<Address> redirected;  // by an ASK, for the next attempt only
  for (;;) {
    const Cluster::Node node = co_await connected_node(cluster, request.slot, redirected, request.deadline);
    const bool asking = redirected && *redirected == node.address;
    redirected.reset();
    Reply reply;
    try {
      reply = co_await exchange_with(node, request, asking);
    } catch (const NotSentError&) {
      cluster->learn_soon();
      if (clock.boot_now() >= request.deadline) throw;
      continue;
    } catch (const TransportError&) {
      cluster->learn_soon();
      throw;
    }
    if (!reply.is_error()) co_return reply;

    const std::string_view error = reply.text.reveal();
    const ServerError failure(node.client->display(), error);
    if (!came_before_the_command(error)) throw failure;
    const auto redirection = parse_redirection(error, node.address);
    Duration pause{0};
    if (redirection && ++redirections <= max_redirections) {
      if (redirection->kind == Redirection::Kind::ask) {
        redirected = redirection->to;
      } else {
        cluster->moved(request.slot, redirection->to);
      }
    } else if (will_pass(error) || (!redirection && names_no_node(error))) {
      pause = cluster->jittered(try_again_after);
      redirections = 0;
      if (!error.starts_with("TRYAGAIN")) cluster->learn_soon();
    } else {
      if (failure.is_about_role()) cluster->learn_soon();
      throw failure;
    }
    const BootTime next = clock.boot_now() + pause;
    if (next >= request.deadline) throw failure;
    if (pause > Duration{0}) co_await sleep_until(cluster->timers(), next);
  }
}

}  // namespace

Task<Reply> ClusterRunner::command(std::string_view key, Command command, BootTime deadline) {
  return route(cluster_, Request{key_slot(key), std::move(command), std::nullopt, deadline});
}

Task<Reply> ClusterRunner::run(const Script& script, std::span<const std::string> keys,
                               std::span<const std::string_view> arguments, BootTime deadline) {
  const std::uint16_t slot = keys.empty() ? std::uint16_t{0} : key_slot(keys.front());
  const ScriptCall call{script, keys, arguments};
  return route(cluster_, Request{slot, call.by_sha1(), call, deadline});
}

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
