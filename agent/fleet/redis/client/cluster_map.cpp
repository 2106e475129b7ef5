#include "agent/fleet/redis/client/cluster_map.hpp"

#include <algorithm>
#include <map>

namespace jeton::agent::redis {
namespace {

constexpr std::uint16_t no_owner = 0xffff;
constexpr std::size_t max_nodes = 4096;  // clusters of more than a thousand nodes are advised against

[[noreturn]] void senseless(const char* what) {
  throw TransportError(std::string("the answer to CLUSTER SLOTS makes no sense (") + what +
                       "); is it a Redis Cluster?");
}

std::int64_t integer_in(const Reply& reply, std::int64_t least, std::int64_t most) {
  if (reply.type != Reply::Type::integer || reply.integer < least || reply.integer > most) senseless("a number");
  return reply.integer;
}

// [host, port, ...]; none if the node does not know how it is reached.
std::optional<Address> parse_node(const Reply& node, const Address& asked) {
  if (node.type != Reply::Type::array || node.elements.size() < 2) senseless("a node");
  const Reply& host = node.elements[0];
  if (host.type != Reply::Type::string && host.type != Reply::Type::nil) senseless("a host");
  std::string_view name = host.text.reveal();
  if (name == "?") {
    // Redis 7 adds more data about a node: ["ip", "10.0.0.1"].
    name = node.elements.size() < 4 ? std::string_view{} : node.elements[3].value_of("ip");
    if (name.empty() || name == "?") return std::nullopt;
  }
  if (!name.empty() && !may_be_host(name)) senseless("a host");
  Address address = asked;
  if (!name.empty()) address.host = name;
  const std::int64_t port = integer_in(node.elements[1], 0, 65535);
  if (port == 0) return std::nullopt;
  address.port = static_cast<std::uint16_t>(port);
  return address;
}

}  // namespace

std::uint16_t crc16(std::string_view bytes) {
  std::uint32_t crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint32_t>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? (crc << 1) ^ 0x1021U : crc << 1;
  }
  return static_cast<std::uint16_t>(crc & 0xffffU);
}

std::uint16_t key_slot(std::string_view key) {
  const auto open = key.find('{');
  if (open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return static_cast<std::uint16_t>(crc16(key) % cluster_slots);
}

ClusterMap::ClusterMap(const Reply& reply, const Address& asked) {
  if (reply.type != Reply::Type::array) senseless("no list");
  owners_.assign(cluster_slots, no_owner);
  std::map<std::pair<std::string, std::uint16_t>, std::uint16_t> seen;
  const auto index_of = [&](const Address& node) {
    const auto [at, is_new] = seen.try_emplace({node.host, node.port}, static_cast<std::uint16_t>(nodes_.size()));
    if (is_new) {
      if (nodes_.size() >= max_nodes) senseless("too many nodes");
      nodes_.push_back(node);
    }
    return at->second;
  };
  std::int64_t listed = 0;
  for (const Reply& range : reply.elements) {
    if (range.type != Reply::Type::array || range.elements.size() < 3) senseless("a range");
    const std::int64_t first = integer_in(range.elements[0], 0, cluster_slots - 1);
    const std::int64_t last = integer_in(range.elements[1], first, cluster_slots - 1);
    // Bounds the work: no node lists ranges that overlap.
    listed += last - first + 1;
    if (listed > cluster_slots) senseless("overlapping ranges");
    for (std::size_t i = 2; i < range.elements.size(); ++i) {
      const auto node = parse_node(range.elements[i], asked);
      if (!node) continue;
      const std::uint16_t index = index_of(*node);
      if (i == 2) std::fill(owners_.begin() + first, owners_.begin() + last + 1, index);
    }
  }
  if (nodes_.empty()) throw TransportError("the node knows of no slots; is it in the cluster?");
}

std::optional<Address> ClusterMap::owner(std::uint16_t slot) const {
  if (slot >= owners_.size() || owners_[slot] == no_owner) return std::nullopt;
  return nodes_[owners_[slot]];
}

void ClusterMap::move(std::uint16_t slot, const Address& to) {
  if (slot >= owners_.size()) return;
  const auto known = std::find(nodes_.begin(), nodes_.end(), to);
  const auto index = static_cast<std::size_t>(known - nodes_.begin());
  if (known == nodes_.end()) {
    if (nodes_.size() >= max_nodes) return;  // the next map will know it
    nodes_.push_back(to);
  }
  owners_[slot] = static_cast<std::uint16_t>(index);
}

bool ClusterMap::contains(const Address& node) const {
  return std::find(nodes_.begin(), nodes_.end(), node) != nodes_.end();
}

std::optional<Redirection> parse_redirection(std::string_view error, const Address& asked) {
  Redirection redirection;
  if (error.starts_with("MOVED ")) {
    error.remove_prefix(6);
  } else if (error.starts_with("ASK ")) {
    redirection.kind = Redirection::Kind::ask;
    error.remove_prefix(4);
  } else {
    return std::nullopt;
  }
  const auto space = error.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto slot = parse_number<std::uint16_t>(error.substr(0, space));
  const std::string_view where = error.substr(space + 1);
  const auto colon = where.rfind(':');  // an IPv6 address comes without brackets
  if (!slot || *slot >= cluster_slots || colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = where.substr(0, colon);
  const auto port = parse_number<std::uint16_t>(where.substr(colon + 1));
  if (!port || *port == 0 || (!host.empty() && !may_be_host(host))) return std::nullopt;
  redirection.slot = *slot;
  redirection.to = asked;
  if (!host.empty()) redirection.to.host = host;
  redirection.to.port = *port;
  return redirection;
}

}  // namespace jeton::agent::redis
