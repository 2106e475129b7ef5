// ClusterMap: which node of a Redis Cluster holds which slot, as one node reports it (CLUSTER SLOTS of Redis 3 and
// later) and redirections corrected it. A value.
//
// What a node says is not trusted to make sense: a reply of another shape is a TransportError, and the work and the
// memory it can cause are bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/fleet/redis/client/address.hpp"
#include "agent/fleet/redis/client/cluster_slot.hpp"
#include "agent/fleet/redis/client/reply.hpp"

namespace jeton::agent::redis {

class ClusterMap {
 public:
  ClusterMap() = default;
  // `reply`: to CLUSTER SLOTS. `asked`: who answered; a node without a host is on the same one, and all have TLS if
  // this one has it. Throws TransportError, also if no slot is held by anybody.
  ClusterMap(const Reply& reply, const Address& asked);

  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  // The primary that holds the slot; none if no node does.
  [[nodiscard]] std::optional<Address> owner(std::uint16_t slot) const;
  void move(std::uint16_t slot, const Address& to);

  // Primaries and replicas, each once.
  [[nodiscard]] const std::vector<Address>& nodes() const { return nodes_; }
  [[nodiscard]] bool contains(const Address& node) const;
  bool operator==(const ClusterMap&) const = default;

 private:
  std::vector<Address> nodes_;
  std::vector<std::uint16_t> owners_;  // of each slot: an index into nodes_, or no_owner
};

// "MOVED 3999 127.0.0.1:6381": the slot lives there. "ASK 3999 127.0.0.1:6381": this once, ask there.
struct Redirection {
  enum class Kind { moved, ask };
  Kind kind = Kind::moved;
  std::uint16_t slot = 0;
  Address to;
};
// None if the error is no redirection, or one to nowhere.
[[nodiscard]] std::optional<Redirection> parse_redirection(std::string_view error, const Address& asked);

}  // namespace jeton::agent::redis
